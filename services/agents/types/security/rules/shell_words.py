"""subprocess with a shell and constant words becomes a list of these words."""

import re

from services.agents.types.security.calls import drop_keyword, in_turn, set_argument
from services.agents.types.security.code import has_unpacking, is_constant, keyword_of, text_of
from services.agents.types.security.rule import (
    ADVICE,
    DISMISSED,
    Judgement,
    Spot,
    WeaknessRule,
    code,
    example,
)
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.contracts.base import Severity

NAMES = ("run", "call", "check_call", "check_output", "Popen")
FUNCTIONS = frozenset(f"subprocess.{each}" for each in NAMES)
# Words in which a shell sees nothing but themselves, plain or between quotes.
WORD = re.compile(r"""(?:[\w@+:,./=-]|'[^']*'|"[^"$`\\!]*")+""")
COMMAND = re.compile(rf"[ \t]*({WORD.pattern}(?:[ \t]+{WORD.pattern})*)[ \t]*")
PIECE = re.compile(r"""'([^']*)'|"([^"]*)"|([^'"]+)""")
# What POSIX shells do themselves, and what other shells do besides.
_BUILTINS = """
    . : [ alias bg bind break builtin cd command continue declare dirs disown echo enable eval exec
    exit export false fc fg for getopts hash help history if jobs kill let local logout popd printf
    pushd pwd read readonly return set shift shopt source suspend test time times trap true type
    typeset ulimit umask unalias unset until wait while case function select
    dir copy del move md mkdir rd rmdir ren rem start ver vol cls
"""
BUILTINS = frozenset(_BUILTINS.split())


def judge(spot: Spot) -> Judgement:
    """Fix calls whose command is words only, and a program's; any other is advice."""
    call = spot.call_of(FUNCTIONS)
    if call is None or has_unpacking(call) or not call.args:
        return ADVICE
    shell = keyword_of(call, "shell")
    if shell is None or not is_constant(shell.value, value=True):
        return ADVICE
    if keyword_of(call, "executable") or len(call.args) > 1:
        return ADVICE
    command = text_of(call.args[0])
    if command is None:
        return ADVICE
    found = shell_words(command)
    if found is None:
        # Nobody else has a say in a constant, and it needs the shell.
        return DISMISSED
    content = _as_list(found, spot.code.segment(call.args[0]))
    return spot.rewrite(call, in_turn(set_argument(0, content), drop_keyword("shell")))


def shell_words(command: str) -> list[str] | None:
    """Return the words of a command that a shell would only split; None for any other."""
    if not COMMAND.fullmatch(command):
        return None
    found = [
        "".join("".join(piece) for piece in PIECE.findall(each))
        for each in re.findall(WORD.pattern, command)
    ]
    first = found[0]
    if first in BUILTINS or "=" in first or not first or first.startswith("-"):
        return None
    return found


def _as_list(found: list[str], literal: str) -> str:
    """Return a list display of words, with the quotes that the literal has where they fit."""
    quote = '"' if literal.rstrip().endswith('"') else "'"
    texts = [repr(each) if quote == "'" else _in_double_quotes(each) for each in found]
    return f"[{', '.join(texts)}]"


def _in_double_quotes(text: str) -> str:
    """Return a literal of a text in double quotes, or in others where it holds such a quote."""
    plain = repr(text)
    return plain if '"' in text or not plain.startswith("'") else f'"{plain[1:-1]}"'


RULE = WeaknessRule(
    FixerDeclaration(
        rule="ruff:S602",
        phrase="start programs without a shell",
        severity=Severity.WARNING,
        behaviour=FixBehaviour(
            "what is reported where the program is missing (FileNotFoundError in place of exit "
            "code 127), is a batch file of Windows, or ends by a signal"
        ),
    ),
    judge,
    "A shell is needed for none of these words; without one, nothing that is added later can be "
    "read as a command.",
    examples=(
        example(
            """
            import subprocess

            subprocess.run("git status --short", shell=True, check=True)
            """,
            """
            import subprocess

            subprocess.run(["git", "status", "--short"], check=True)
            """,
        ),
        example(
            """
            import subprocess

            subprocess.check_output("git log '--format=%H %s'", shell=True)
            """,
            """
            import subprocess

            subprocess.check_output(["git", "log", "--format=%H %s"])
            """,
        ),
        example(
            """
            from subprocess import Popen

            p = Popen('ls', shell=True)
            """,
            """
            from subprocess import Popen

            p = Popen(['ls'])
            """,
        ),
        example(
            """
            import subprocess

            subprocess.run(f'ls {x}', shell=True)
            """,
        ),
        example(
            """
            import subprocess

            subprocess.run('ls', shell=True, **options)
            """,
        ),
    ),
    left_alone=(
        code(
            """
            import subprocess

            subprocess.run('ls | wc', shell=True)
            """
        ),
        code(
            """
            import subprocess

            subprocess.run('ls *.py', shell=True)
            """
        ),
        code(
            """
            import subprocess

            subprocess.run('A=1 ls', shell=True)
            """
        ),
        code(
            """
            import subprocess

            subprocess.run('cd x', shell=True)
            """
        ),
        code(
            """
            import subprocess

            subprocess.run('ls $HOME', shell=True)
            """
        ),
        code(
            """
            import subprocess

            subprocess.run('ls ~', shell=True)
            """
        ),
        code(
            """
            import subprocess

            subprocess.run(['ls', x])
            """
        ),
    ),
)
