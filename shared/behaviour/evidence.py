"""The types of expressions, where the code itself makes them evident."""

import ast

from shared.behaviour.code import FUNCTIONS, Function, ParsedFile, bound_names, uses

BOOL, INT, FLOAT, STR, BYTES = "bool", "int", "float", "str", "bytes"
LIST, TUPLE, SET, DICT, RANGE, NONE = "list", "tuple", "set", "dict", "range", "NoneType"
DISPLAYS = {
    ast.List: LIST,
    ast.ListComp: LIST,
    ast.Tuple: TUPLE,
    ast.Set: SET,
    ast.SetComp: SET,
    ast.Dict: DICT,
    ast.DictComp: DICT,
    ast.JoinedStr: STR,
}
RESULTS_OF_BUILTINS = {
    **dict.fromkeys(("bool", "isinstance", "issubclass", "callable", "hasattr"), BOOL),
    **dict.fromkeys(("any", "all"), BOOL),
    **dict.fromkeys(("len", "ord", "id", "hash", "int"), INT),
    **dict.fromkeys(("str", "repr", "ascii", "chr", "hex", "oct", "bin", "format"), STR),
    **dict.fromkeys(("list", "sorted", "dir"), LIST),
    **{name: name for name in ("tuple", "set", "dict", "range", "bytes", "float")},
}
STR_METHODS = {
    **dict.fromkeys(
        [
            "capitalize",
            "casefold",
            "center",
            "expandtabs",
            "format",
            "join",
            "ljust",
            "lower",
            "lstrip",
            "removeprefix",
            "removesuffix",
            "replace",
            "rjust",
            "rstrip",
            "strip",
            "swapcase",
            "title",
            "translate",
            "upper",
            "zfill",
        ],
        STR,
    ),
    **dict.fromkeys(("split", "rsplit", "splitlines"), LIST),
    **dict.fromkeys(("partition", "rpartition"), TUPLE),
    **dict.fromkeys(("count", "find", "index", "rfind", "rindex"), INT),
    **dict.fromkeys(("startswith", "endswith", "isdigit", "isalpha", "isspace"), BOOL),
    "encode": BYTES,
}
EXACT_COMPARISONS = (ast.Is, ast.IsNot, ast.In, ast.NotIn)
PLAIN = frozenset({BOOL, INT, FLOAT, STR, BYTES, NONE})
CONTAINERS = frozenset({DICT, LIST, RANGE, SET, STR, TUPLE})
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod)


def evident_type(node: ast.AST | None, code: ParsedFile, function: Function | None) -> str:
    """Return the name of the builtin type that an expression certainly has; else empty.

    It is evident from literals, from calls of builtins and of methods of text, and from local names
    of `function` that are only ever assigned values of one evident type. Annotations do not count:
    nobody checks them at run time.
    """
    return _Evidence(code, function).type_of(node, frozenset())


def is_plain_local(name: str, function: Function | None) -> bool:
    """Return whether a name is a local of the function that no inner scope binds or keeps."""
    if function is None or name not in set(bound_names(function)):
        return False
    for node in ast.walk(function):
        if isinstance(node, ast.Global | ast.Nonlocal) and name in node.names:
            return False
        if node is not function and isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            if uses(node, name):
                return False
    return True


class _Evidence:
    """Tells evident types in one function; `seen` are the names that are being looked up."""

    def __init__(self, code: ParsedFile, function: Function | None) -> None:
        self._code = code
        self._function = function

    def type_of(self, node: ast.AST | None, seen: frozenset[str]) -> str:
        """Return the builtin type that an expression evidently has; empty if it has none."""
        if isinstance(node, ast.Constant):
            return type(node.value).__name__
        if type(node) in DISPLAYS:
            return DISPLAYS[type(node)]
        if isinstance(node, ast.UnaryOp):
            return self._of_unary(node, seen)
        if isinstance(node, ast.Compare):
            return self._of_comparison(node, seen)
        if isinstance(node, ast.BoolOp):
            return self._common(node.values, seen)
        if isinstance(node, ast.IfExp):
            return self._common([node.body, node.orelse], seen)
        if isinstance(node, ast.BinOp):
            return self._of_operation(node, seen)
        if isinstance(node, ast.Call):
            return self._of_call(node, seen)
        if isinstance(node, ast.Name) and node.id not in seen:
            return self._of_name(node.id, seen | {node.id})
        return ""

    def _common(self, nodes: "list[ast.expr]", seen: frozenset[str]) -> str:
        """Return the one type that all expressions evidently have; else empty."""
        found = {self.type_of(each, seen) for each in nodes}
        return found.pop() if len(found) == 1 else ""

    def _of_unary(self, node: ast.UnaryOp, seen: frozenset[str]) -> str:
        """Return the type of an expression such as `-x` or `not x`; else empty."""
        if isinstance(node.op, ast.Not):
            return BOOL
        inner = self.type_of(node.operand, seen)
        return inner if inner in {INT, FLOAT} else ""

    def _of_comparison(self, node: ast.Compare, seen: frozenset[str]) -> str:
        """Return `bool` if no operand can have a comparison of its own; else empty."""
        if all(isinstance(each, EXACT_COMPARISONS) for each in node.ops):
            return BOOL
        sides = {self.type_of(each, seen) for each in (node.left, *node.comparators)}
        return BOOL if sides <= PLAIN else ""

    def _of_operation(self, node: ast.BinOp, seen: frozenset[str]) -> str:
        """Return the type of a binary operation if its operands decide it; else empty."""
        left, right = self.type_of(node.left, seen), self.type_of(node.right, seen)
        if isinstance(node.op, ast.Mod) and left in {STR, BYTES}:
            shown = isinstance(node.right, ast.Tuple | ast.Dict) or right in PLAIN
            return left if shown else ""
        if isinstance(node.op, ast.Add) and left == right and left in {STR, LIST, TUPLE, BYTES}:
            return left
        if isinstance(node.op, ARITHMETIC) and left == right and left in {INT, FLOAT}:
            return left
        return ""

    def _of_call(self, node: ast.Call, seen: frozenset[str]) -> str:
        """Return the type that a call of a builtin or of a method of text gives; else empty."""
        if isinstance(node.func, ast.Name) and self._code.is_builtin(node.func.id):
            return RESULTS_OF_BUILTINS.get(node.func.id, "")
        if isinstance(node.func, ast.Attribute) and self.type_of(node.func.value, seen) == STR:
            return STR_METHODS.get(node.func.attr, "")
        return ""

    def _of_name(self, name: str, seen: frozenset[str]) -> str:
        """Return the one type of all values that a local name is assigned; else empty."""
        function = self._function
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            return ""
        if not is_plain_local(name, function) or name in _parameters(function):
            return ""
        values = [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and len(node.targets) == 1
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == name
        ]
        if len(values) != sum(each == name for each in bound_names(function)):
            return ""
        return self._common(values, seen)


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Return the names of a function's parameters."""
    every = ast.walk(function.args)
    return {each.arg for each in every if isinstance(each, ast.arg)}
