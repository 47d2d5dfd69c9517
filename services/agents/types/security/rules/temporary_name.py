"""tempfile.mktemp, whose name somebody else may take, becomes a file that is made."""

import ast
import re

from services.agents.types.security.calls import has_comment
from services.agents.types.security.code import has_unpacking, text_of
from services.agents.types.security.rule import ADVICE, Judgement, Spot, WeaknessRule, code, example
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.contracts.base import Severity

MADE = "NamedTemporaryFile"
PARAMETERS = ("suffix", "prefix", "dir")
FILE_NAMES = ("file", "temporary", "temporary_file")
WRITING = re.compile(r"^(?=[^x]*w)[wbt+]+$")


def judge(spot: Spot) -> Judgement:
    """Fix names that the very next statement opens for writing; elsewhere a file may not exist."""
    call = spot.call_of({"tempfile.mktemp"})
    if call is None or has_unpacking(call) or len(call.args) > len(PARAMETERS):
        return ADVICE
    statement = spot.code.parents[call]
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return ADVICE
    target = statement.targets[0]
    if not isinstance(target, ast.Name) or not _is_opened_next(spot, statement, target.id):
        return ADVICE
    if isinstance(call.func, ast.Name) and not _can_name(spot, MADE):
        return ADVICE
    file = next((each for each in FILE_NAMES if spot.code.is_free(each)), "")
    if not file or has_comment(spot.code.segment(statement)) or not _is_alone(spot, statement):
        return ADVICE
    return Judgement(edits=(spot.code.edit(statement, _made(spot, call, target.id, file)),))


def _can_name(spot: Spot, name: str) -> bool:
    """Return whether a name means that of tempfile, or nothing in the file."""
    return spot.code.origin(ast.Name(name)) == f"tempfile.{name}" or spot.code.is_free(name)


def _made(spot: Spot, call: ast.Call, name: str, file: str) -> str:
    """Return the statement that makes a file and takes its name."""
    given = [f"{p}={spot.code.segment(a)}" for p, a in zip(PARAMETERS, call.args, strict=False)]
    given += [spot.code.segment(each) for each in call.keywords]
    made = MADE
    if isinstance(call.func, ast.Attribute):
        made = f"{spot.code.segment(call.func.value)}.{made}"
    (row, column), _ = spot.code.span(spot.code.parents[call])
    line = spot.code.line(row)
    indent, end = line[: column - 1], "\r\n" if line.endswith("\r\n") else "\n"
    step = "\t" if "\t" in indent else "    "
    head = f"with {made}({', '.join([*given, 'delete=False'])}) as {file}:"
    return f"{head}{end}{indent}{step}{name} = {file}.name"


def _is_alone(spot: Spot, statement: ast.stmt) -> bool:
    """Return whether a statement has its lines for itself."""
    (first, start), (last, end) = spot.code.span(statement)
    before, after = spot.code.line(first)[: start - 1], spot.code.line(last)[end - 1 :]
    return not before.strip() and not after.strip()


def _is_opened_next(spot: Spot, statement: ast.stmt, name: str) -> bool:
    """Return whether the statement after this one opens the file of that name for writing."""
    parent = spot.code.parents[statement]
    blocks = [getattr(parent, each, []) for each in ("body", "orelse", "finalbody")]
    block = next((each for each in blocks if isinstance(each, list) and statement in each), [])
    following = block[block.index(statement) + 1 :][:1]
    opened = _opening(following[0]) if following else None
    if opened is None or spot.code.origin(opened.func) != "builtins.open":
        return False
    path = opened.args[0] if opened.args else None
    modes = [*opened.args[1:2], *(e.value for e in opened.keywords if e.arg == "mode")]
    mode = text_of(modes[0]) if modes else None
    return isinstance(path, ast.Name) and path.id == name and bool(WRITING.match(mode or ""))


def _opening(statement: ast.stmt) -> ast.Call | None:
    """Return the call that a `with` or an assignment evaluates first; None for any other."""
    value: ast.AST | None = None
    if isinstance(statement, ast.With):
        value = statement.items[0].context_expr
    elif isinstance(statement, ast.Assign):
        value = statement.value
    return value if isinstance(value, ast.Call) else None


RULE = WeaknessRule(
    FixerDeclaration(
        rule="ruff:S306",
        phrase="make temporary files before they are used",
        severity=Severity.ERROR,
        commit_type="fix",
        behaviour=FixBehaviour(
            "who may read the file (its owner only), and that it is there before it is opened"
        ),
    ),
    judge,
    "Between choosing a free name and opening it, somebody else may put a file or a link there.",
    examples=(
        example(
            """
            from tempfile import mktemp

            name = mktemp(".a")
            f = open(name, "w")
            """,
            """
            from tempfile import NamedTemporaryFile

            with NamedTemporaryFile(suffix=".a", delete=False) as file:
                name = file.name
            f = open(name, "w")
            """,
        ),
        example(
            """
            from tempfile import mktemp
            from m import NamedTemporaryFile

            name = mktemp(".a")
            f = open(name, "w")
            """,
        ),
        example(
            """
            import tempfile

            name = tempfile.mktemp('.txt')
            with open(name, 'w') as f:
                f.write(x)
            """,
            """
            import tempfile

            with tempfile.NamedTemporaryFile(suffix='.txt', delete=False) as file:
                name = file.name
            with open(name, 'w') as f:
                f.write(x)
            """,
        ),
        example(
            """
            import tempfile as t


            def f(file):
                name = t.mktemp(dir=d)
                f = open(name, mode='wb')
            """,
            """
            import tempfile as t


            def f(file):
                with t.NamedTemporaryFile(dir=d, delete=False) as temporary:
                    name = temporary.name
                f = open(name, mode='wb')
            """,
        ),
        example(
            """
            import tempfile

            name = tempfile.mktemp()
            os.mkdir(name)
            """,
        ),
        example(
            """
            import tempfile

            name = tempfile.mktemp()
            f = open(name, 'x')
            """,
        ),
        example(
            """
            import tempfile

            name = tempfile.mktemp()
            f = open(name)
            """,
        ),
        example(
            """
            import tempfile

            name = tempfile.mktemp()
            other()
            f = open(name, 'w')
            """,
        ),
        example(
            """
            import tempfile

            f = open(tempfile.mktemp(), 'w')
            """,
        ),
    ),
    left_alone=(
        code(
            """
            import tempfile

            name = tempfile.mkdtemp()
            """
        ),
        code(
            """
            import tempfile

            fd, name = tempfile.mkstemp()
            """
        ),
    ),
    imports=(("tempfile", MADE),),
)
