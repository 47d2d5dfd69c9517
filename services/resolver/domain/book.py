"""A lease ledger as one process holds it, with its claims in trees of paths."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.resolver.domain.overlaps import overlap
from services.resolver.domain.path_tree import PathTree
from services.resolver.domain.places import PathPlace, place_of
from shared.contracts.documents.base import NESTED
from shared.contracts.documents.leases import Lease, LeaseLedger, WaitingClaim


@dataclass(frozen=True)
class LedgerChange:
    """What a decision changes in a ledger: entries by their keys, None for those that go.

    `epoch` is the new last one, None where it stays.
    """

    held: Mapping[str, Lease | None] = field(default_factory=dict)
    waiting: Mapping[str, WaitingClaim | None] = field(default_factory=dict)
    ended: Mapping[str, Lease | None] = field(default_factory=dict)
    epoch: int | None = None

    def __bool__(self) -> bool:
        """Return whether there is anything to save."""
        return bool(self.held or self.waiting or self.ended or self.epoch is not None)

    def entries(self) -> dict[str, Any]:
        """Return the changed values by the paths of their fields; None removes an entry."""
        maps = {"held": self.held, "waiting": self.waiting, "ended": self.ended}
        changed: dict[str, Any] = {
            f"{name}{NESTED}{key}": value
            for name, entries in maps.items()
            for key, value in entries.items()
        }
        return changed if self.epoch is None else {**changed, "epoch": self.epoch}


class ClaimIndex:
    """Claims, found by the paths that they would share with another one."""

    def __init__(self) -> None:
        self._tree = PathTree()
        self._paths: dict[str, Sequence[str]] = {}
        self._inexact: set[str] = set()

    def put(self, task_id: str, paths: Sequence[str] | None) -> None:
        """Replace what a task claims; None is nothing."""
        self._tree.remove(task_id)
        self._paths.pop(task_id, None)
        self._inexact.discard(task_id)
        if paths is None:
            return
        places = _places(paths)
        self._tree.add(task_id, [each.segments for each in places])
        self._paths[task_id] = paths
        if not all(each.exact for each in places):
            self._inexact.add(task_id)

    def overlapping(self, task_id: str, paths: Sequence[str]) -> Iterator[str]:
        """Yield the other tasks whose claims may share a file with these paths, each once."""
        places = _places(paths)
        exact = all(each.exact for each in places)
        seen = {task_id}
        for other in self._tree.in_the_way(each.segments for each in places):
            if other in seen:
                continue
            seen.add(other)
            is_certain = exact and other not in self._inexact
            if is_certain or overlap(self._paths[other], paths):
                yield other


def _places(paths: Sequence[str]) -> list[PathPlace]:
    """Return the places of patterns."""
    return [place_of(each) for each in paths]


class LeaseBook:
    """What a ledger says at one version, with indexes of the leases and of the refused claims."""

    def __init__(self, ledger: LeaseLedger) -> None:
        self.version, self.epoch = ledger.version, ledger.epoch
        self.held, self.waiting = dict(ledger.held), dict(ledger.waiting)
        self.ended = dict(ledger.ended)
        self.leases, self.claims = ClaimIndex(), ClaimIndex()
        for task_id, lease in self.held.items():
            self.leases.put(task_id, lease.paths)
        for task_id, claim in self.waiting.items():
            self.claims.put(task_id, claim.paths)

    def apply(self, change: LedgerChange) -> None:
        """Follow a change that was saved: it made the next version."""
        self.version += 1
        self.epoch = self.epoch if change.epoch is None else change.epoch
        for task_id, lease in change.held.items():
            self.leases.put(task_id, lease.paths if lease else None)
        for task_id, claim in change.waiting.items():
            self.claims.put(task_id, claim.paths if claim else None)
        _apply(self.held, change.held)
        _apply(self.waiting, change.waiting)
        _apply(self.ended, change.ended)


def _apply(entries: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Set the changed entries, and remove those that are None."""
    for key, value in changes.items():
        if value is None:
            entries.pop(key, None)
        else:
            entries[key] = value
