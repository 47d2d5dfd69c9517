"""Compares programs in a sandbox, under each installed Python that a target supports."""

import asyncio
import hashlib
import json
import shutil
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from services.validator.proof import comparison
from services.validator.proof.ports import ComparedPrograms, TextPair
from shared.environments.interpreters import Interpreter, installed_interpreters
from shared.sandbox.ports import GIB, Command, Completed, Limits, Sandbox
from shared.sandbox.scratch import Scratch, complete_in_thread

log = structlog.get_logger(__name__)

PACKAGE = "groundswell_comparison"
REQUEST, ANSWER = "request.json", "answer.jsonl"
PROGRAM = (
    f"import sys; sys.path.insert(0, sys.argv[1]); from {PACKAGE}.worker import main; "
    "main(*sys.argv[2:])"
)
LIMITS = Limits(wall=60.0, cpu=60.0, memory=1 * GIB, processes=4)
# After so many texts that end the process, the rest counts as unknown.
MAX_CRASHES = 3
# The forms of each pair; None where it is not known to be one program.
Answers = list[tuple[str, ...] | None]


MAX_REMEMBERED_PAIRS = 10_000


@dataclass(frozen=True)
class _Compared:
    """What an interpreter answered, whose `name` is empty if it gave no answer.

    `is_whole` says that no pair ended its process, so that the answers hold for good.
    """

    name: str
    answers: Answers
    is_whole: bool


class SandboxedPrograms:
    """The `Programs` port: the texts are strangers', and compiling one may end its process.

    What was compared under all interpreters is remembered, as it cannot change.
    """

    def __init__(self, sandbox: Sandbox, scratch: Scratch) -> None:
        self._sandbox = sandbox
        self._scratch = scratch
        self._interpreters: dict[str, tuple[Interpreter, ...]] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._known: OrderedDict[tuple[str, bytes], tuple[str, ...] | None] = OrderedDict()

    async def compare(self, pairs: Sequence[TextPair], requires_python: str) -> ComparedPrograms:
        """Compare the texts of each pair under all installed Pythons that the target supports."""
        if requires_python not in self._interpreters:
            installed = await installed_interpreters(requires_python, self._sandbox.can_read)
            self._interpreters[requires_python] = installed
        keys = [(requires_python, _digest(each)) for each in pairs]
        new = {key: each for key, each in zip(keys, pairs, strict=True) if key not in self._known}
        compared = await asyncio.gather(
            *(
                self._compare_under(each, [*new.values()])
                for each in self._interpreters[requires_python]
                if new
            )
        )
        forms = dict(zip(new, _in_all(compared, len(new)), strict=True))
        found = [forms[key] if key in forms else self._known[key] for key in keys]
        names = tuple(each.name for each in compared)
        if new and all(each.is_whole for each in compared):
            self._names[requires_python] = names
            self._remember(forms)
        return ComparedPrograms(names or self._names.get(requires_python, ()), tuple(found))

    def _remember(self, forms: Mapping[tuple[str, bytes], tuple[str, ...] | None]) -> None:
        """Remember the forms of pairs, and forget those asked for longest ago."""
        self._known.update(forms)
        while len(self._known) > MAX_REMEMBERED_PAIRS:
            self._known.popitem(last=False)

    async def _compare_under(
        self, interpreter: Interpreter, pairs: Sequence[TextPair]
    ) -> _Compared:
        """Compare pairs under one interpreter, and once more without one that ended its process."""
        name, answers, crashes = "", Answers(), 0
        for _ in range(MAX_CRASHES + 1):
            found, more = await self._run(interpreter, pairs[len(answers) :])
            name, answers = name or found, [*answers, *more]
            if len(answers) >= len(pairs):
                break
            # The next one ended the process.
            answers.append(None)
            crashes += 1
        answers = [*answers, *[None] * (len(pairs) - len(answers))][: len(pairs)]
        return _Compared(name, answers, is_whole=bool(name) and not crashes)

    async def _run(
        self, interpreter: Interpreter, pairs: Sequence[TextPair]
    ) -> tuple[str, Answers]:
        """Compare pairs in one process; return its interpreter's name and the forms of each pair.

        They are fewer if one of the pairs ended the process.
        """
        async with self._scratch.workspace() as workspace:
            await complete_in_thread(_prepare, workspace, pairs)
            completed = await self._sandbox.run(_command(interpreter, workspace))
        name, answers = _read(completed)
        if len(answers) < len(pairs):
            reason = completed.abort_reason or completed.tail(1)
            log.warning("programs_not_compared", python=interpreter.version, reason=reason)
        return name, answers


def _prepare(workspace: Path, pairs: Sequence[TextPair]) -> None:
    """Write the comparing code and its request, each text once, to the workspace."""
    (workspace / "tree").mkdir()
    scratch = workspace / "run"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(comparison.__file__).parent, scratch / "code" / PACKAGE, ignore=ignored)
    numbers: dict[bytes, int] = {}
    numbered = [[numbers.setdefault(text, len(numbers)) for text in pair] for pair in pairs]
    texts = [each.decode("latin-1") for each in numbers]
    (scratch / REQUEST).write_text(json.dumps({"texts": texts, "pairs": numbered}))


def _command(interpreter: Interpreter, workspace: Path) -> Command:
    """Return the sandboxed command that compares the prepared pairs under an interpreter."""
    scratch = workspace / "run"
    arguments = (str(scratch / "code"), str(scratch / REQUEST), str(scratch / ANSWER))
    return Command(
        argv=(str(interpreter.path), "-I", "-S", "-B", "-c", PROGRAM, *arguments),
        tree=workspace / "tree",
        scratch=scratch,
        readable=interpreter.required_directories,
        reports=(ANSWER,),
        limits=LIMITS,
    )


def _read(completed: Completed) -> tuple[str, Answers]:
    """Return the interpreter's name and the forms in whole lines of its answer; empty if none."""
    lines = completed.reports.get(ANSWER, b"").decode().split("\n")[:-1]
    if not lines:
        return "", []
    name, *answers = map(json.loads, lines)
    return name, [None if each is None else tuple(each) for each in answers]


def _in_all(compared: Sequence[_Compared], count: int) -> Answers:
    """Return the forms of each pair under all Pythons; None if it may differ, or without any."""
    forms: Answers = []
    for number in range(count):
        answers = [each.answers[number] for each in compared]
        known = [each for each in answers if each is not None]
        is_same = bool(answers) and len(known) == len(answers)
        forms.append(tuple(sorted({form for each in known for form in each})) if is_same else None)
    return forms


def _digest(pair: TextPair) -> bytes:
    """Return a digest that two pairs of texts share only if they are equal."""
    return b"".join(hashlib.sha256(each).digest() for each in pair)
