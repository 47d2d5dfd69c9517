"""Finds the proofs of changes: those that leave every program of the target as it is."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.validator.deps import ValidatorDeps
from services.validator.git.ports import TargetRepository
from services.validator.prepared import PreparedHead
from services.validator.proof.ports import TextPair
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.proof import Proof
from shared.targets.languages import PYTHON

# The files of a change by their paths; None if it has others than Python's, or adds or removes any.
ChangedFiles = Mapping[str, TextPair] | None


@dataclass
class KnownProofs:
    """The proofs of changes by their ids, and what was compared for them.

    `forms` has the forms of each pair of texts that is the same program under all `interpreters`.
    Changes are compared on those before them. So when one of these has left, only the files that
    both change are new.
    """

    by_change: dict[str, Proof] = field(default_factory=dict)
    interpreters: tuple[str, ...] = ()
    forms: dict[TextPair, tuple[str, ...] | None] = field(default_factory=dict)


async def prove_changes(
    changes: Sequence[Enhancement],
    steps: Sequence[tuple[str, str]],
    prepared: PreparedHead,
    known: KnownProofs,
    deps: ValidatorDeps,
) -> list[str]:
    """Find and store the proofs of changes, and return the changes that had none before.

    `steps` are those of a composition of exactly these changes: (id, tree after it). A proof that
    no longer holds is removed.
    """
    repository = deps.repository(prepared.target)
    files = await asyncio.to_thread(_changed_files, changes, steps, prepared.tree, repository)
    await _compare_missing(files, prepared, known, deps)
    new, changed = [], dict[str, Proof | None]()
    for each in changes:
        stored = known.by_change.pop(each.id, each.decision.proof)
        proof = _proof(files[each.id], known)
        if proof is not None:
            known.by_change[each.id] = proof
        if proof is not None and stored is None:
            new.append(each.id)
        if proof != stored:
            changed[each.id] = proof
    await deps.store.enhancements.set_field_of_each("decision__proof", changed)
    return new


async def compare_programs(
    changes: Sequence[Enhancement],
    steps: Sequence[tuple[str, str]],
    prepared: PreparedHead,
    deps: ValidatorDeps,
) -> None:
    """Compare the programs of changes as `prove_changes` does, which then knows them."""
    repository = deps.repository(prepared.target)
    files = await asyncio.to_thread(_changed_files, changes, steps, prepared.tree, repository)
    await _compare_missing(files, prepared, KnownProofs(), deps)


async def _compare_missing(
    files: Mapping[str, ChangedFiles],
    prepared: PreparedHead,
    known: KnownProofs,
    deps: ValidatorDeps,
) -> None:
    """Compare those pairs of texts that were not compared yet, and add their forms to `known`."""
    pairs = [pair for each in files.values() if each for pair in each.values()]
    missing = [pair for pair in dict.fromkeys(pairs) if pair not in known.forms]
    if not missing:
        return
    requires_python = prepared.profile.environment.requires_python
    compared = await deps.programs.compare(missing, requires_python)
    known.interpreters = compared.interpreters
    known.forms |= dict(zip(missing, compared.forms, strict=True))


def _proof(files: ChangedFiles, known: KnownProofs) -> Proof | None:
    """Return the proof of a change, by what was compared; None if a file may differ.

    None also for a change that does more than edit Python.
    """
    if not files:
        return None
    forms = [known.forms[pair] for pair in files.values()]
    same = [each for each in forms if each is not None]
    if len(same) < len(forms):
        return None
    names = tuple(sorted({name for each in same for name in each}))
    return Proof(files=tuple(files), interpreters=known.interpreters, forms=names)


def _changed_files(
    changes: Sequence[Enhancement],
    steps: Sequence[tuple[str, str]],
    tree: str,
    repository: TargetRepository,
) -> dict[str, ChangedFiles]:
    """Return the texts before and after each change, by path; None if it not only edits Python."""
    by_id, found = {each.id: each for each in changes}, dict[str, ChangedFiles]()
    for change, after in steps:
        paths = by_id[change].proposal.files
        texts = repository.versions((tree, after), paths).items()
        files = {path: (a, b) for path, (a, b) in texts if a is not None and b is not None}
        is_whole = len(files) == len(paths) and all(map(PYTHON.has_suffix, paths))
        found[change] = files if is_whole else None
        tree = after
    return found
