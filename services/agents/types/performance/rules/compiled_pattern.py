"""Compile regular expressions once, as constants of the module."""

import ast
from collections.abc import Iterator

import libcst as cst

from services.agents.types.performance.imports import end_of_preamble, statements_before
from services.agents.types.performance.rewrite import TOOL, Rewrite
from services.agents.types.performance.rewritten import RewrittenFile
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.behaviour.code import imported_names, uses
from shared.behaviour.conditions.patterns import named_patterns, pattern_of
from shared.behaviour.evidence import is_plain_local
from shared.behaviour.tree import SyntaxTree, tree_around
from shared.contracts.base import Severity
from shared.detectors.findings import rule_id
from shared.detectors.rewrites import Match

Definition = ast.FunctionDef | ast.AsyncFunctionDef
MIN_NAME_CHARACTERS = 3
# What is called once, as a rule, so that the constant would only move the work.
CALLED_ONCE = frozenset({"__init__", "__new__", "main", "setup", "setUp"})


class CompiledPattern(Rewrite):
    """`re.compile` of a constant in a function, and `re.match` and the like, in a loop or not."""

    declaration = FixerDeclaration(
        rule=rule_id(TOOL, "PRF201"),
        phrase="compile regular expressions once",
        severity=Severity.NOTE,
        commit_type="perf",
        saves=0.1,
        behaviour=FixBehaviour(
            "when the pattern is compiled, and which `re` is asked where that is replaced",
            ("patterns.compiled-once", "patterns.added-pattern"),
        ),
    )
    reason = (
        "Each call looks the pattern up in a cache of limited size, which takes longer than a "
        "short match itself; a constant of the module is compiled once."
    )

    def find(self, tree: SyntaxTree) -> Iterator[Match]:
        """Yield the calls; without a fix where `re` is imported too late for a constant."""
        for each in tree.all(ast.Call):
            function, made = tree.function(each), pattern_of(each, tree.code)
            if made is None or not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            in_loop = bool(tree.loops(each))
            if not in_loop and function.name in CALLED_ONCE:
                continue
            if not made[1] and _is_kept(each, function, tree):
                continue
            text = ast.unparse(each.args[0])[:60]
            often = "in each round of a loop" if in_loop else f"in each call of `{function.name}`"
            yield Match(each, f"The pattern {text} is looked up or compiled {often}.", "safe")

    def rewrite(self, file: RewrittenFile, match: Match) -> bool:
        """Add the constant, and use it in place of the call or of the variable that names it."""
        tree = tree_around(file.code)
        function, made = tree.function(match.node), pattern_of(match.node, file.code)
        node = file.find(match.node, cst.Call) if isinstance(match.node, ast.Call) else None
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or made is None:
            return False
        if node is None or not _has_room(file, match.node, tree):
            return False
        variable = _variable(match.node, function)
        name = file.add_constant(_name(variable, function), _compiling(node))
        constant = cst.Name(name)
        if made[1]:
            file.replace(node, lambda call: _call_of(constant, made[1], call))
        elif not variable:
            file.replace(node, lambda _: constant)
        else:
            return _replace_variable(file, variable, function, constant)
        return True


def _has_room(file: RewrittenFile, call: ast.AST, tree: SyntaxTree) -> bool:
    """Return whether `re` is imported before the place of the constants, and a call is after it."""
    body = file.code.tree.body
    count = statements_before(file.module, end_of_preamble(file.module))
    found = (each for node in body[:count] for each in imported_names(node))
    after = any(outer in body[count:] for outer, _ in tree.around(call))
    return after and any(origin.partition(".")[0] == "re" for _, origin in found)


def _is_kept(call: ast.Call, function: Definition, tree: SyntaxTree) -> bool:
    """Return whether a pattern is kept by an attribute, a variable from outside, or a cache."""
    parent = tree.parent(call)
    if any("cache" in ast.unparse(each) for each in function.decorator_list):
        return True
    if not isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr):
        return False
    targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
    names = [each.id for each in targets if isinstance(each, ast.Name)]
    return len(names) < len(targets) or not all(is_plain_local(e, function) for e in names)


def _variable(call: ast.AST, function: Definition) -> str:
    """Return the variable that only names the pattern which a call compiles; empty without one."""
    named = named_patterns(function).items()
    return next((name for name, value in named if value is call), "")


def _name(variable: str, function: Definition) -> str:
    """Return the name of a constant, from the variable that it replaces or the function."""
    word = variable.strip("_").upper()
    if len(word) >= MIN_NAME_CHARACTERS:
        return f"_{word}"
    return f"_{function.name.strip('_').upper()}_PATTERN"


def _compiling(call: cst.Call) -> cst.BaseExpression:
    """Return the call that compiles the pattern of a call of a function of `re`."""
    function, first = call.func, call.args[0].value
    flags = [each for each in call.args[1:] if each.keyword and each.keyword.value == "flags"]
    if isinstance(function, cst.Name) or function.attr.value == "compile":  # type: ignore[attr-defined]
        return call.deep_clone()
    arguments = [cst.Arg(first), *(cst.Arg(each.value) for each in flags)]
    made = cst.Call(function.with_changes(attr=cst.Name("compile")), arguments)
    return made.deep_clone()


def _call_of(constant: cst.Name, method: str, call: cst.Call) -> cst.Call:
    """Return the call of a method of a pattern, with the arguments after the pattern."""
    rest = [e for e in call.args[1:] if not (e.keyword and e.keyword.value == "flags")]
    if rest and len(rest) < len(call.args) - 1:
        rest[-1] = rest[-1].with_changes(comma=call.args[-1].comma)
    return call.with_changes(func=cst.Attribute(constant, cst.Name(method)), args=rest)


def _replace_variable(
    file: RewrittenFile, variable: str, function: Definition, constant: cst.Name
) -> bool:
    """Drop the assignment of a variable, and read the constant wherever it is read."""
    for each in uses(function, variable):
        if isinstance(each.ctx, ast.Load):
            node = file.find(each, cst.Name)
            if node is None:
                return False
            file.replace(node, lambda name: constant.with_changes(lpar=name.lpar, rpar=name.rpar))
    for statement in function.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == variable:
            line = file.line(statement)
            if line is None:
                return False
            file.replace(line, lambda _: cst.RemoveFromParent())
    return True
