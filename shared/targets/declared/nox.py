"""What nox installs for the tests: the literal arguments of `session.install` in their session."""

import ast
from collections.abc import Iterator

from shared.kernel.syntax import parse
from shared.targets.declared.parts import TEST_NAMES, Declaration
from shared.targets.tree import Tree

SESSIONS = (*TEST_NAMES, "pytest", "unit", "unittest", "unit_tests", "unittests")


def read(tree: Tree) -> Declaration | None:
    """Requirements, `-r` files, and the extras and groups that are asked for; None without such a session."""
    try:
        module = parse(tree.read("noxfile.py") or b"")
    except (SyntaxError, ValueError):
        return None
    sessions = {_name(each): each for each in module.body if isinstance(each, ast.FunctionDef)}
    session = next((sessions[name] for name in SESSIONS if name in sessions), None)
    if session is None:
        return None
    words = [word for call in _installs(session) for word in _words(call)]
    return Declaration(
        installs=tuple(_requirements(words)),
        extras=tuple(_extras(words)),
        notes=(f"The requirements of nox's session {session.name} are installed.",),
    )


def _name(function: ast.FunctionDef) -> str:
    """The session's name: that of the function, unless its decorator has another one."""
    for decorator in function.decorator_list:
        for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
            if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
    return function.name


def _installs(session: ast.FunctionDef) -> Iterator[ast.Call]:
    for node in ast.walk(session):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"install", "run_install"}
        ):
            yield node


def _words(call: ast.Call) -> Iterator[str]:
    """Its literal arguments; `*nox.project.dependency_groups(…, "test")` as the extra that it is."""
    for each in call.args:
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value
        elif isinstance(each, ast.Starred) and isinstance(each.value, ast.Call):
            function = each.value.func
            if isinstance(function, ast.Attribute) and function.attr == "dependency_groups":
                named = [a.value for a in each.value.args if isinstance(a, ast.Constant)]
                yield f".[{','.join(map(str, named))}]"


def _requirements(words: list[str]) -> Iterator[str]:
    for before, word in zip(["", *words], words, strict=False):
        if before in {"-r", "--requirement"}:
            yield f"-r {word}"
        elif not word.startswith(("-", ".")) and before not in {
            "-e",
            "--editable",
            "-c",
            "--constraint",
        }:
            yield word


def _extras(words: list[str]) -> Iterator[str]:
    for word in words:
        if word.startswith(".["):
            yield from (each.strip() for each in word[2:].rstrip("]").split(","))
