"""Reader of noxfile.py: what its session for tests installs, as far as it is literal."""

import ast
from collections.abc import Iterator

from shared.kernel.syntax import parse
from shared.targets.declared.declaration import TEST_GROUP_NAMES, Declaration
from shared.targets.tree import Tree

TEST_SESSION_NAMES = (
    *TEST_GROUP_NAMES,
    "pytest",
    "unit",
    "unittest",
    "unit_tests",
    "unittests",
)
REQUIREMENT_FILE_OPTIONS = {"-r", "--requirement"}
# Their value is a path that is not installed as a requirement.
PATH_OPTIONS = {"-e", "--editable", "-c", "--constraint"}


def read(tree: Tree) -> Declaration | None:
    """Return what noxfile.py's session for tests installs; None without one that can be parsed."""
    try:
        module = parse(tree.read("noxfile.py") or b"")
    except (SyntaxError, ValueError):
        return None
    functions = [each for each in module.body if isinstance(each, ast.FunctionDef)]
    sessions = {_session_name(each): each for each in functions}
    session = next((sessions[name] for name in TEST_SESSION_NAMES if name in sessions), None)
    if session is None:
        return None
    arguments = [each for call in _install_calls(session) for each in _literal_arguments(call)]
    return Declaration(
        installs=tuple(_requirements(arguments)),
        extras=tuple(_extras(arguments)),
        notes=(f"The requirements of nox's session {session.name} are installed.",),
    )


def _session_name(function: ast.FunctionDef) -> str:
    """Return the name that the decorator gives to a session, else that of the function."""
    for decorator in function.decorator_list:
        for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
            if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
    return function.name


def _install_calls(session: ast.FunctionDef) -> Iterator[ast.Call]:
    """Yield the calls of `install` and `run_install` in a session."""
    for node in ast.walk(session):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"install", "run_install"}
        ):
            yield node


def _literal_arguments(call: ast.Call) -> Iterator[str]:
    """Yield the literal arguments; `*nox.project.dependency_groups(…, "test")` as `.[test]`."""
    for each in call.args:
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value
        elif isinstance(each, ast.Starred) and isinstance(each.value, ast.Call):
            function = each.value.func
            if isinstance(function, ast.Attribute) and function.attr == "dependency_groups":
                groups = [a.value for a in each.value.args if isinstance(a, ast.Constant)]
                yield f".[{','.join(map(str, groups))}]"


def _requirements(arguments: list[str]) -> Iterator[str]:
    """Yield the requirements among arguments of `install`; a file of them as `-r file`."""
    for previous, argument in zip(["", *arguments], arguments, strict=False):
        if previous in REQUIREMENT_FILE_OPTIONS:
            yield f"-r {argument}"
        elif not argument.startswith(("-", ".")) and previous not in PATH_OPTIONS:
            yield argument


def _extras(arguments: list[str]) -> Iterator[str]:
    """Yield the extras of the project itself that the arguments name, as `.[test]` does."""
    for argument in arguments:
        if argument.startswith(".["):
            yield from (each.strip() for each in argument[2:].rstrip("]").split(","))
