"""ProtectionSummary in green: a handful of faults for each change, planted together, and what came of them."""

import json
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from services.validator.mutation.domain.mutants import (
    NUMBER,
    Code,
    Mutant,
    NotMutable,
    Programs,
    When,
    headers,
)
from services.validator.mutation.domain.operators import mutants
from services.validator.mutation.domain.touched import touched
from shared.contracts.documents.protection import Protection, SurvivingMutant

# So many faults for a change at most, and so many of those for one line.
HANDFUL, A_LINE = 4, 2
# Each fault in what runs at import is a test session of its own.
AT_IMPORT = 2
# So many tests are run to see whether anything imports a module, and so many at most for a fault there.
FEW, DEAR = 10, 100
MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class ChangedFile:
    """A file of a change: its texts before and after it, and after each change on top; None where there is none."""

    path: str
    texts: tuple[bytes | None, ...]


@dataclass(frozen=True)
class PlacedMutant:
    """A fault in the tree, and the changes that it is for; for none it only tells whether any test gets there."""

    id: int
    path: str
    mutant: Mutant
    changes: tuple[str, ...]


@dataclass(frozen=True)
class MutationPlan:
    """All faults of a batch, the texts of the files with them, and where none could be planted, by change."""

    faults: tuple[PlacedMutant, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    missed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def to_json(self, seconds: float, longest: float | None = None) -> str:
        """The plan of a run: what is planted where and for whom, and how long it may take.

        After `seconds` only the first fault of each change is still tried, and nothing is after `longest`.
        """
        faults = [
            {
                "id": each.id,
                "path": each.path,
                "line": each.mutant.line,
                "when": each.mutant.when.value,
                "operator": each.mutant.operator,
                "what": each.mutant.what,
                "changes": each.changes,
                "first": turn == 0,
            }
            for turn, each in self._in_turn()
        ]
        plan = {
            "seconds": seconds,
            "longest": seconds if longest is None else longest,
            "mutants": faults,
            "files": dict(sorted(self.files.items())),
        }
        return json.dumps(plan, separators=(",", ":"))

    def _in_turn(self) -> list[tuple[int, PlacedMutant]]:
        """The first of each change, then the second of each: time may run out, and then something is known of all."""
        turn: Counter[str] = Counter()
        ranked = []
        for number, each in enumerate(self.faults):
            ranked.append((min((turn[c] for c in each.changes), default=0), number, each))
            turn.update(each.changes)
        return [(turn, each) for turn, _, each in sorted(ranked, key=lambda each: each[:2])]


@dataclass(frozen=True)
class Trial:
    """What came of one fault. `noticed` is None where it was not tried, and `why` then says why."""

    noticed: bool | None
    reached: bool = False
    by: str = ""
    tests: int = 0
    why: str = ""


@dataclass(frozen=True)
class MutationReport:
    """A finished run of planted faults. `usable` are the tests that passed without any fault."""

    trials: Mapping[int, Trial]
    usable: int = 0
    seconds: float = 0.0

    def to_json(self) -> str:
        """One canonical text; `from_json` is its inverse."""
        rows = [
            [n, each.noticed, each.reached, each.by, each.tests, each.why]
            for n, each in sorted(self.trials.items())
        ]
        body = {"trials": rows, "usable": self.usable, "seconds": self.seconds}
        return json.dumps(body, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "MutationReport":
        body = json.loads(text)
        return cls(
            {row[0]: Trial(*row[1:]) for row in body["trials"]}, body["usable"], body["seconds"]
        )


def plant(changes: Mapping[str, Sequence[ChangedFile]], limit: int = HANDFUL) -> MutationPlan:
    """Choose and plant the faults of changes that stand on each other, in their order.

    All `texts` of one path end with the same text: that of the tree the faults are planted in.
    """
    wanted: list[tuple[int, int, str, str, Mutant]] = []
    missed: dict[str, list[str]] = {}
    read = _Reader()
    for number, (change, files) in enumerate(changes.items()):
        found: list[tuple[str, Mutant]] = []
        for file in files:
            try:
                found += [(file.path, each) for each in _in_file(file, read)]
            except NotMutable as error:
                missed.setdefault(change, []).append(f"{file.path}: {error}")
        chosen = _handful(found, limit)
        wanted += [(rank, number, change, *each) for rank, each in enumerate(chosen)]
    # The first of each change before the second of any: where time runs out, all have had some.
    wanted.sort(key=lambda each: each[:2])
    return _planted(_without_imports(wanted), read, missed)


def needed(
    planting: MutationPlan, reaching: Callable[[str, int], frozenset[str] | None]
) -> frozenset[str] | None:
    """The tests that it takes to try these faults; None is all of them.

    `reaching` has those that may run a line of a file, None where that is not known. Of what is only looked
    at, a few tests tell.
    """
    tests: set[str] = set()
    for each in planting.faults:
        found = reaching(each.path, each.mutant.planted or each.mutant.line)
        if found is None:
            return None
        looked = each.mutant.when in {When.REACH, When.IMPORTED}
        tests |= frozenset(_few(found)) if looked else found
    return frozenset(tests)


def _few(tests: Collection[str]) -> Iterator[str]:
    """One of each file, so that what is wrong with one of them does not matter."""
    files: set[str] = set()
    for each in sorted(tests):
        file = each.partition("::")[0]
        if file not in files and len(files) < FEW:
            files.add(file)
            yield each
    # Where they are all in one file, one test is too little to go by.
    yield from sorted(tests)[: FEW - len(files)]


def without_dear(
    planting: MutationPlan, reaching: Callable[[str, int], frozenset[str] | None]
) -> MutationPlan:
    """The same, but what runs at import is only looked at where many tests would have to be run for it."""
    faults = []
    for each in planting.faults:
        found = reaching(each.path, each.mutant.line)
        dear = each.mutant.when is When.IMPORT and (found is None or len(found) > DEAR)
        faults.append(replace(each, mutant=_looked_at(each.mutant)) if dear else each)
    return replace(planting, faults=tuple(faults))


def _looked_at(mutant: Mutant) -> Mutant:
    """What runs at import without its fault."""
    return replace(
        mutant,
        start=0,
        end=0,
        before="",
        after="",
        when=When.IMPORTED,
        operator="import",
        what="no test imports it",
    )


class _Reader:
    """Each text is read once."""

    def __init__(self) -> None:
        self._known: dict[bytes, Code] = {}
        self._headers: dict[bytes, frozenset[str]] = {}
        self.texts: dict[str, bytes] = {}
        self.programs = Programs()

    def headers(self, text: bytes) -> frozenset[str]:
        if text not in self._headers:
            self._headers[text] = headers(text)
        return self._headers[text]

    def code(self, path: str, text: bytes) -> Code:
        self.texts[path] = text
        if text not in self._known:
            self._known[text] = Code.read(text)
        return self._known[text]


def _in_file(file: ChangedFile, read: _Reader) -> Iterator[Mutant]:
    """Every fault that fits in one file of a change. Raises `NotMutable`."""
    before, after, last = file.texts[0], file.texts[1], file.texts[-1]
    if last is None:
        raise NotMutable("it is not there any more")
    was = read.programs.of(before or b"")
    if was is not None and was == read.programs.of(after or b""):
        return
    place = touched([each or b"" for each in file.texts])
    if place:
        code = read.code(file.path, last)
        yield from _distinct(mutants(code, place, lambda: read.headers(before or b"")))


def _distinct(found: Iterable[Mutant]) -> Iterator[Mutant]:
    seen = set()
    for each in found:
        key = (each.start, each.end, each.before, each.when, each.hunk)
        if key not in seen:
            seen.add(key)
            yield each


def _handful(found: Sequence[tuple[str, Mutant]], limit: int) -> list[tuple[str, Mutant]]:
    """Some of them: from each hunk in turn, not the same operator again, the coarsest first.

    A place, where only an error can be raised, counts where a hunk has nothing better; what runs at import
    has one for each hunk, and no more.
    """
    hunks = Counter[tuple[str, int]]()
    lines = Counter[tuple[str, int]]()
    operators = Counter[str]()
    better = {
        (path, each.hunk)
        for path, each in found
        if each.when is When.CALL and each.operator != "place"
    }
    at_import = {(path, each.hunk) for path, each in found if each.when is When.IMPORT}
    weaker = {"place": better, "import": at_import}
    rest = [
        (path, each)
        for path, each in found
        if (path, each.hunk) not in weaker.get(each.operator, ())
    ]
    chosen: list[tuple[str, Mutant]] = []
    while rest and len(chosen) < limit:
        best = min(
            rest,
            key=lambda one: (
                hunks[one[0], one[1].hunk],
                operators[one[1].operator],
                lines[one[0], one[1].line],
                one[1].rank,
                one[0],
                one[1].start,
                one[1].before,
            ),
        )
        path, mutant = best
        chosen.append(best)
        hunks[path, mutant.hunk] += 1
        lines[path, mutant.line] += 1
        operators[mutant.operator] += 1
        rest = [each for each in rest if each is not best and _goes_with(each, best, lines)]
    return chosen


def _goes_with(
    other: tuple[str, Mutant], chosen: tuple[str, Mutant], lines: Counter[tuple[str, int]]
) -> bool:
    path, mutant = other
    same = (path, mutant.hunk) == (chosen[0], chosen[1].hunk)
    if same and mutant.when is not When.CALL and chosen[1].when is not When.CALL:
        return False
    return lines[path, mutant.line] < A_LINE


def _without_imports(
    wanted: Sequence[tuple[int, int, str, str, Mutant]],
) -> Iterator[tuple[str, str, Mutant]]:
    """Of those that run at import only the first few are tried; of the others it is looked whether they run."""
    tried: set[tuple[str, int, int, str]] = set()
    for _, _, change, path, mutant in wanted:
        key = (path, mutant.start, mutant.end, mutant.before)
        if mutant.when is When.IMPORT and key not in tried:
            if len(tried) >= AT_IMPORT:
                yield change, path, _looked_at(mutant)
                continue
            tried.add(key)
        yield change, path, mutant


def _planted(
    wanted: Iterable[tuple[str, str, Mutant]], read: _Reader, missed: Mapping[str, Sequence[str]]
) -> MutationPlan:
    """The same fault for two changes is one fault; what would not be Python is left out."""
    by_place: dict[tuple[str, int, int, str, When, int], list[str]] = {}
    chosen: dict[tuple[str, int, int, str, When, int], tuple[str, Mutant]] = {}
    for change, path, each in wanted:
        line = 0 if each.start != each.end or each.before else each.line
        key = (path, each.start, each.end, each.before, each.when, line)
        chosen.setdefault(key, (path, each))
        if change not in by_place.setdefault(key, []):
            by_place[key].append(change)
    faults = tuple(
        PlacedMutant(number, path, mutant, tuple(by_place[key]))
        for number, (key, (path, mutant)) in enumerate(chosen.items())
    )
    lost = {change: list(each) for change, each in missed.items()}
    kept, files = [], {}
    for path in sorted({each.path for each in faults}):
        mine = [each for each in faults if each.path == path]
        text, good = written(read.texts[path], read.code(path, read.texts[path]), mine)
        kept += good
        if text is not None:
            files[path] = text
        served = {change for each in good for change in each.changes}
        for change in {change for each in mine for change in each.changes} - served:
            lost.setdefault(change, []).append(f"{path}: no fault fits")
    kept.sort(key=lambda each: each.id)
    return MutationPlan(tuple(kept), files, {change: tuple(each) for change, each in lost.items()})


def written(
    original: bytes, code: Code, faults: Sequence[PlacedMutant]
) -> tuple[str | None, list[PlacedMutant]]:
    """The text with these faults, and those of them that it has."""
    good = list(faults)
    if not _holds(code, good):
        good = []
        for each in faults:
            if _holds(code, [*good, each]):
                good.append(each)
    visible = [each for each in good if each.mutant.before]
    if not visible:
        return None, good
    mark = "\ufeff" if original.startswith(MARK) else ""
    return mark + render(code.text, visible).decode(), good


def _holds(code: Code, faults: Sequence[PlacedMutant]) -> bool:
    """Whether the text with these faults is Python, and has as many lines."""
    text = render(code.text, faults)
    if text.count(b"\n") != code.text.count(b"\n"):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "planted", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def render(text: bytes, faults: Sequence[PlacedMutant]) -> bytes:
    """The text with these faults in it; they may stand inside of each other."""
    visible = [each for each in faults if each.mutant.before]
    return _rendered(text, 0, len(text), sorted(visible, key=_outermost_first))


def _outermost_first(fault: PlacedMutant) -> tuple[int, bool, int, int]:
    """What is only put before something comes before what is put around it."""
    mutant = fault.mutant
    return (mutant.start, mutant.start != mutant.end, -mutant.end, fault.id)


def _rendered(text: bytes, start: int, end: int, faults: Sequence[PlacedMutant]) -> bytes:
    parts, at, number = [], start, 0
    while number < len(faults):
        each = faults[number]
        mutant = each.mutant
        last = number + 1
        while last < len(faults) and faults[last].mutant.start < mutant.end:
            last += 1
        inner = _rendered(text, mutant.start, mutant.end, faults[number + 1 : last])
        before = mutant.before.replace(NUMBER, str(each.id)).encode()
        parts += [text[at : mutant.start], before, inner, mutant.after.encode()]
        at, number = mutant.end, last
    return b"".join([*parts, text[at:end]])


def judge(
    planting: MutationPlan, change: str, tried: MutationReport | None, broken: str = ""
) -> Protection:
    """What is known about one change; `broken` says why the faults were not tried at all."""
    mine = [each for each in planting.faults if change in each.changes]
    trials = {
        each.id: (tried and tried.trials.get(each.id)) or Trial(None, why=broken) for each in mine
    }
    known = [each for each in mine if trials[each.id].noticed is not None]
    real = [each for each in known if not _only_looked_at(each, trials[each.id])]
    green = [each for each in known if not trials[each.id].noticed]
    missed = planting.missed.get(change, ())
    places = {(each.path, each.mutant.line) for each in known}
    survived = tuple(
        SurvivingMutant(
            path=each.path,
            line=each.mutant.line,
            description=each.mutant.what,
            reached=trials[each.id].reached,
        )
        for each in sorted(green, key=lambda each: (each.path, each.mutant.line, each.id))
    )
    bad = {(each.path, each.line) for each in survived}
    untried = [trials[each.id].why for each in mine if each not in known]
    return Protection(
        state=_state(mine, known, green, missed),
        mutants=len(real),
        killed=sum(bool(trials[each.id].noticed) for each in real),
        survived=survived,
        not_measured=len(untried) + len(missed),
        lines=len(places),
        protected_lines=len(places - bad),
        summary=_sentence(len(real), len(known) - len(real), survived, (*missed, *untried)),
    )


def _only_looked_at(fault: PlacedMutant, trial: Trial) -> bool:
    """Whether it was only looked at that what runs at import does run."""
    return fault.mutant.when in {When.REACH, When.IMPORTED} or bool(trial.noticed and trial.why)


def _state(
    mine: Sequence[PlacedMutant],
    known: Sequence[PlacedMutant],
    green: Sequence[PlacedMutant],
    missed: Sequence[str],
) -> Literal["protected", "unprotected", "unknown", "nothing"]:
    """Some that stayed untried leave the others their word; where all did, nothing is known."""
    if green:
        return "unprotected"
    if missed or (mine and not known):
        return "unknown"
    return "protected" if known else "nothing"


def _sentence(
    tried: int, looked: int, survived: Sequence[SurvivingMutant], reasons: Sequence[str]
) -> str:
    """For people, the worst first."""
    parts = []
    if survived:
        more = f", and {len(survived) - 1} more" if len(survived) > 1 else ""
        parts.append(
            f"{len(survived)} of {_faults(tried + looked)} stayed green: {_told(survived[0])}{more}"
        )
    elif tried:
        parts.append(f"its tests noticed each of {tried} planted faults")
    if looked and not survived:
        parts.append(f"they run the {looked} places of it that run only at import")
    if reasons:
        why = next((each for each in reasons if each), "")
        known = tried + looked
        parts.append(
            f"{len(reasons)} more were not tried: {why}"
            if known
            else f"no fault could be tried: {why}"
        )
    return "; ".join(parts) or "it touches nothing in which a fault could be planted"


def _faults(number: int) -> str:
    return f"{number} fault{'s' * (number != 1)}"


def _told(fault: SurvivingMutant) -> str:
    reach = "" if fault.reached else ", which no test reaches"
    return f"{fault.path}:{fault.line}{reach}: {fault.description}"
