"""What a rule of this agent type is: a declaration, and how it judges what ruff found."""

import ast
import re
import textwrap
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from services.agents.types.security.calls import Rewrite, rewritten
from services.agents.types.security.code import PythonCode
from services.agents.types.security.sql_wrappers import SqlWrappers
from shared.agent_types import FixerDeclaration
from shared.detectors.ruff.process import Diagnostic
from shared.detectors.texts import Edits

REQUEST_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class TargetFacts:
    """What rules need to know about a target: its oldest Python, dependencies, and settings.

    `dependencies` are the canonical names of the distributions that shipped code may import, and
    `wrappers` its own methods that execute SQL.
    """

    path: str = ""
    oldest_python: tuple[int, int] = (3, 9)
    dependencies: frozenset[str] = frozenset()
    request_timeout: float = REQUEST_TIMEOUT_SECONDS
    wrappers: SqlWrappers = field(default_factory=SqlWrappers)


@dataclass(frozen=True)
class Judgement:
    """Whether something is a problem at all, and the edits that fix it surely, if there are any."""

    is_problem: bool = True
    edits: Edits = ()


DISMISSED = Judgement(is_problem=False)
ADVICE = Judgement()


@dataclass(frozen=True)
class Spot:
    """What ruff found, in the code that it was found in."""

    code: PythonCode
    found: Diagnostic
    facts: TargetFacts = field(default_factory=TargetFacts)

    @property
    def nodes(self) -> list[ast.AST]:
        """The nodes at the place of the finding, the innermost first."""
        return self.code.around((self.found.row, self.found.column))

    def calls(self) -> Iterator[ast.Call]:
        """Yield the calls around the finding, the innermost first."""
        yield from (each for each in self.nodes if isinstance(each, ast.Call))

    def call_of(self, origins: Collection[str]) -> ast.Call | None:
        """Return the innermost call of one of these functions around the finding; else None."""
        return next((e for e in self.calls() if self.code.origin(e.func) in origins), None)

    def rewrite(self, call: ast.Call, rewrite: Rewrite) -> Judgement:
        """Return the judgement that a rewrite of a call fixes it, or advice where it cannot."""
        text = rewritten(self.code.segment(call), rewrite)
        return ADVICE if text is None else Judgement(edits=(self.code.edit(call, text),))


@dataclass(frozen=True)
class Example:
    """Code before and after a fix; without `after`, code with a finding that stays as it is."""

    before: str
    after: str = ""


def code(text: str) -> str:
    """Return code that is written as an indented block, as it is in a file."""
    return textwrap.dedent(text).lstrip("\n")


def example(before: str, after: str = "") -> Example:
    """Return an example whose code is written as indented blocks."""
    return Example(code(before), code(after))


@dataclass(frozen=True)
class WeaknessRule:
    """A rule: what it fixes, why, and how it judges a finding of ruff with its code.

    `imports` are what its fixes may need, each a module, or a module and a name in it.
    `left_alone` is code that is no problem, though it looks like one. A finding on lines without
    any of the `words` is none, so that their file need not be parsed.
    """

    declaration: FixerDeclaration
    judge: Callable[[Spot], Judgement]
    why: str
    examples: tuple[Example, ...]
    left_alone: tuple[str, ...]
    imports: tuple[tuple[str, str], ...] = ()
    words: re.Pattern[str] | None = None
