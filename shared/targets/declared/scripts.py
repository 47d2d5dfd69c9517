"""Reader of the shell commands by which a project says that it is tested."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath

from shared.kernel.json_data import read_json
from shared.kernel.syntax import parse
from shared.targets.declared.declaration import read_ini, read_toml, strings, table
from shared.targets.tree import Tree

TEST_NAMES = ("test", "tests", "check", "unittest", "unit", "test-all", "tests-unit")
CI_FILES = re.compile(
    r"^(?:\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.yml|\.travis\.yml|\.circleci/config\.yml"
    r"|azure-pipelines\.yml|\.appveyor\.yml|appveyor\.yml)$"
)
# What stands before the program itself, and has no influence on how the tests are run.
PREFIX = re.compile(
    r"^(?:[A-Z_][A-Z0-9_]*=\S*|env|time|exec|xvfb-run|(?:poetry|pipenv|uv|hatch|pdm|rye) run)\s+"
)
RECIPE_PREFIX = re.compile(r"^[-@+]+(?=\S)")
OWN_PYTHON = re.compile(r"\{env_?python\}|\$\(?\{?PYTHON\w*\}?\)?")
COVERAGE = re.compile(r"^(?:python[\d.]*\s+-m\s+)?coverage[\d.]*\s+run\s+")
COVERAGE_OPTION = re.compile(r"^--?(?:source|omit|include|rcfile|data-file|context|concurrency)$")
PYTHON_NAME = re.compile(r"^(?:python[\d.]*|py)$")
SUBSTITUTION = re.compile(r"\{posargs[^}]*\}|\$@|\$\*|\"\$@\"|\$\{\{[^}]*\}\}")


def shell_lines(tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield (file, line) for each line of a project's files that may be a command of its tests."""
    yield from (("tox.ini", each) for each in _tox(tree))
    yield from (("noxfile.py", each) for each in _nox(tree))
    for name in ("Makefile", "makefile", "GNUmakefile", "justfile", "Justfile"):
        yield from ((name, each) for each in _recipes(tree, name))
    yield from (("package.json", each) for each in _package_script(tree))
    for path in tree.files():
        if CI_FILES.match(path):
            text = (tree.read(path) or b"").decode(errors="replace")
            yield from ((path, each) for each in _ci_lines(text))


def test_command(line: str, tree: Tree) -> tuple[str, ...] | None:
    """Return the command of a shell line that runs tests, by our `python`; None for any other.

    Lines that run pytest are none: pytest is tried anyway.
    """
    words = _words(line)
    if not words:
        return None
    if PYTHON_NAME.match(words[0]):
        return _python_command(words[1:], tree)
    script = words[0].removeprefix("./")
    if script in set(tree.files()) and is_runner_name(script):
        is_python = script.endswith(".py")
        return ("python", script, *words[1:]) if is_python else ("sh", script, *words[1:])
    return None


def is_runner_name(path: str) -> bool:
    """Return whether a path's last name contains `test` or `check`, as one that runs tests."""
    return bool(re.search(r"test|check", PurePosixPath(path).name, re.IGNORECASE))


def _python_command(words: list[str], tree: Tree) -> tuple[str, ...] | None:
    """Return the test command that `python` with these words is; None if it runs no tests."""
    while words and re.fullmatch(r"-[bBdEiIOPqsSuvVWxX]+", words[0]) and words[0] != "-m":
        words = words[2:] if words[0] in {"-W", "-X"} else words[1:]
    if not words:
        return None
    if words[0] == "-m":
        return _module_command(words[1:], tree)
    script = words[0].removeprefix("./")
    if script == "manage.py" and "test" in words:
        return ("python", *words)
    if script in set(tree.files()) and script != "setup.py" and is_runner_name(script):
        return ("python", script, *words[1:])
    return None


def _module_command(words: list[str], tree: Tree) -> tuple[str, ...] | None:
    """Return the test command that `python -m` with these words is; None if it is none."""
    if not words:
        return None
    module = words[0]
    if module == "unittest":
        return ("python", "-m", *words)
    path = module.replace(".", "/")
    files = set(tree.files())
    places = (f"{root}{path}{end}" for root in ("", "src/") for end in (".py", "/__main__.py"))
    if is_runner_name(path) and not files.isdisjoint(places):
        return ("python", "-m", *words)
    return None


def _words(line: str) -> list[str]:
    """Return the words of a line's last command, without prefixes; none if a shell expands any."""
    text = OWN_PYTHON.sub("python", SUBSTITUTION.sub("", line).strip())
    text = RECIPE_PREFIX.sub("", text)
    text = re.split(r"\s(?:\|\||\||>|2>|;)", text)[0]
    text = text.rpartition("&&")[2].strip()
    while (found := PREFIX.match(text)) is not None:
        text = text[found.end() :]
    text = _without_coverage(text)
    try:
        words = shlex.split(text)
    except ValueError:
        return []
    return words if not any(set(each) & set("{}$`*") for each in words) else []


def _without_coverage(text: str) -> str:
    """Return the command that `coverage run` measures; any other command as it is."""
    found = COVERAGE.match(text)
    if found is None:
        return text
    words = text[found.end() :].split()
    while words and words[0].startswith("-") and words[0] != "-m":
        words = words[2:] if COVERAGE_OPTION.match(words[0]) else words[1:]
    return " ".join(["python", *words])


def _tox(tree: Tree) -> Iterator[str]:
    """Yield the commands of tox's default environment."""
    for name in ("tox.ini", "setup.cfg"):
        parser = read_ini(tree.read(name))
        if parser.has_section("testenv"):
            yield from parser.get("testenv", "commands", fallback="").splitlines()
    pyproject = read_toml(tree, "pyproject.toml")[0]
    legacy = table(pyproject, "tool", "tox").get("legacy_tox_ini")
    parser = read_ini(legacy if isinstance(legacy, str) else None)
    if parser.has_section("testenv"):
        yield from parser.get("testenv", "commands", fallback="").splitlines()
    for native in (table(pyproject, "tool", "tox"), read_toml(tree, "tox.toml")[0]):
        commands = table(native, "env_run_base").get("commands")
        for each in commands if isinstance(commands, list) else ():
            yield shlex.join(strings(each))


def _nox(tree: Tree) -> Iterator[str]:
    """Yield the literal commands of the calls of `session.run` in sessions named like tests."""
    try:
        module = parse(tree.read("noxfile.py") or b"")
    except (SyntaxError, ValueError):
        return
    for function in module.body:
        if isinstance(function, ast.FunctionDef) and re.search("test|unit", function.name):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "run":
                    words = [e.value for e in node.args if isinstance(e, ast.Constant)]
                    yield shlex.join(map(str, words))


def _recipes(tree: Tree, name: str) -> Iterator[str]:
    """Yield the lines of the recipes for tests in a Makefile or a justfile."""
    inside = False
    for line in (tree.read(name) or b"").decode(errors="replace").splitlines():
        if found := re.match(r"^@?([\w-]+)[^:=]*:(?!=)", line):
            inside = found.group(1) in TEST_NAMES
        elif inside and line.startswith((" ", "\t")):
            yield line.strip()


def _package_script(tree: Tree) -> Iterator[str]:
    """Yield the test script of package.json, if it has one."""
    try:
        package = read_json(tree.read("package.json") or b"{}")
    except ValueError:
        return
    script = table(package, "scripts").get("test")
    if isinstance(script, str):
        yield script


def _ci_lines(text: str) -> Iterator[str]:
    """Yield each line of a CI file without the YAML before its text: it may be a command."""
    for line in text.splitlines():
        yield re.sub(r"^\s*(?:-\s+)?(?:(?:run|script|command|name)\s*:\s*)?[|>]?\s*", "", line)
