"""Places a few mutants for each change of a batch, all of them together in one tree."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from services.validator.mutation.domain.blocks import MutantTiming
from services.validator.mutation.domain.equivalence import EquivalentMutants
from services.validator.mutation.domain.mutants import Mutant
from services.validator.mutation.domain.operators import find_mutants
from services.validator.mutation.domain.plan import ChangedFile, MutationPlan, PlacedMutant
from services.validator.mutation.domain.rendering import write_mutants
from services.validator.mutation.domain.selection import (
    MAX_MUTANTS_PER_CHANGE,
    as_import_check,
    choose_mutants,
)
from services.validator.mutation.domain.source_code import (
    Code,
    EffectComparison,
    NotMutable,
    headers,
)
from services.validator.mutation.domain.touched import touched

# So many mutants in code that runs at import are tried, as each needs a test session of its own.
MAX_IMPORT_MUTANTS = 2
Key = tuple[str, int, int, str, MutantTiming, int]


def place_mutants(
    changes: Mapping[str, Sequence[ChangedFile]], limit: int = MAX_MUTANTS_PER_CHANGE
) -> MutationPlan:
    """Choose and place up to `limit` mutants for each change of a batch, in the order of the batch.

    All `texts` of one path end with the same text: that of the tree in which the mutants are
    placed.
    """
    wanted: list[tuple[int, int, str, str, Mutant]] = []
    unmutated: dict[str, list[str]] = {}
    cache = _SourceCache()
    for number, (change, files) in enumerate(changes.items()):
        found: list[tuple[str, Mutant]] = []
        for file in files:
            try:
                found += [(file.path, each) for each in _mutants_of_file(file, cache)]
            except NotMutable as error:
                unmutated.setdefault(change, []).append(f"{file.path}: {error}")
        chosen = choose_mutants(found, limit, cache.is_equivalent)
        wanted += [(rank, number, change, *each) for rank, each in enumerate(chosen)]
    # The first mutant of each change before the second of any, as time may run out.
    wanted.sort(key=lambda each: each[:2])
    limited = _limit_import_mutants((change, path, each) for _, _, change, path, each in wanted)
    return _place(limited, cache, unmutated)


class _SourceCache:
    """Parses each text once; `texts` has the last one of each path."""

    def __init__(self) -> None:
        self._code: dict[bytes, Code] = {}
        self._headers: dict[bytes, frozenset[str]] = {}
        self.texts: dict[str, bytes] = {}
        self.effects = EffectComparison()
        self.equivalent = EquivalentMutants()

    def is_equivalent(self, path: str, mutant: Mutant) -> bool:
        """Return true if a mutant of a file is known to leave its program as it is."""
        return self.equivalent.has(self._code[self.texts[path]], mutant)

    def headers(self, text: bytes) -> frozenset[str]:
        """Return the headers of all functions in a text; see `source_code.headers`."""
        if text not in self._headers:
            self._headers[text] = headers(text)
        return self._headers[text]

    def code(self, path: str, text: bytes) -> Code:
        """Return the parsed text of a file, now its last one. Raises `NotMutable`."""
        self.texts[path] = text
        if text not in self._code:
            self._code[text] = Code.read(text)
        return self._code[text]


def _mutants_of_file(file: ChangedFile, cache: _SourceCache) -> Iterator[Mutant]:
    """Yield every mutant that fits a file of a change; none without effect. Raises `NotMutable`."""
    before, after, last = file.texts[0], file.texts[1], file.texts[-1]
    if last is None:
        raise NotMutable("it is not there any more")
    if cache.effects.is_same(before or b"", after or b""):
        return
    lines = touched([each or b"" for each in file.texts])
    if lines:
        code = cache.code(file.path, last)
        found = find_mutants(code, lines, lambda: cache.headers(before or b""))
        try:
            yield from _distinct(found)
        except RecursionError:
            raise NotMutable("it is nested too deeply") from None


def _distinct(found: Iterable[Mutant]) -> Iterator[Mutant]:
    """Yield mutants without those that do the same in the same place and hunk."""
    seen = set()
    for each in found:
        key = (each.start, each.end, each.before, each.when, each.hunk)
        if key not in seen:
            seen.add(key)
            yield each


def _limit_import_mutants(
    wanted: Iterable[tuple[str, str, Mutant]],
) -> Iterator[tuple[str, str, Mutant]]:
    """Keep the first few mutants at import, and replace the others by import checks."""
    kept: set[tuple[str, int, int, str]] = set()
    for change, path, mutant in wanted:
        key = (path, mutant.start, mutant.end, mutant.before)
        if mutant.when is MutantTiming.IMPORT and key not in kept:
            if len(kept) >= MAX_IMPORT_MUTANTS:
                yield change, path, as_import_check(mutant)
                continue
            kept.add(key)
        yield change, path, mutant


def _place(
    wanted: Iterable[tuple[str, str, Mutant]],
    cache: _SourceCache,
    unmutated: Mapping[str, Sequence[str]],
) -> MutationPlan:
    """Return the plan of the mutants, without those with which their file is not valid Python."""
    mutants = _merge(wanted)
    lost = {change: list(each) for change, each in unmutated.items()}
    placed: list[PlacedMutant] = []
    files: dict[str, str] = {}
    for path in sorted({each.path for each in mutants}):
        mine = [each for each in mutants if each.path == path]
        original = cache.texts[path]
        text, good = write_mutants(original, cache.code(path, original), mine)
        placed += good
        if text is not None:
            files[path] = text
        served = {change for each in good for change in each.changes}
        for change in {change for each in mine for change in each.changes} - served:
            lost.setdefault(change, []).append(f"{path}: no mutant fits")
    placed.sort(key=lambda each: each.id)
    reasons = {change: tuple(each) for change, each in lost.items()}
    return MutationPlan(tuple(placed), files, reasons)


def _merge(wanted: Iterable[tuple[str, str, Mutant]]) -> list[PlacedMutant]:
    """Return the mutants, numbered in order; the same mutant for two changes is placed once."""
    changes: dict[Key, list[str]] = {}
    chosen: dict[Key, tuple[str, Mutant]] = {}
    for change, path, each in wanted:
        line = 0 if each.start != each.end or each.before else each.line
        key = (path, each.start, each.end, each.before, each.when, line)
        chosen.setdefault(key, (path, each))
        if change not in changes.setdefault(key, []):
            changes[key].append(change)
    return [
        PlacedMutant(number, path, mutant, tuple(changes[key]))
        for number, (key, (path, mutant)) in enumerate(chosen.items())
    ]
