"""Leases without any index or document: lists that are searched from one end to the other."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from services.resolver.domain.leases import AGEING, LEASE_TTL, WAITING_RESOLUTION, WAITING_TTL
from services.resolver.domain.overlaps import overlap

LEVELS = ("low", "normal", "high", "critical")


@dataclass(frozen=True)
class Held:
    paths: tuple[str, ...]
    epoch: int
    until: datetime


@dataclass(frozen=True)
class Waiting:
    paths: tuple[str, ...]
    priority: str
    since: datetime
    asked: datetime

    def is_fresh(self, now: datetime) -> bool:
        return now - self.asked < WAITING_TTL

    def rank(self, task: str) -> tuple[datetime, str]:
        return self.since - LEVELS.index(self.priority) * AGEING, task


@dataclass
class NaiveLeases:
    """What a ledger should do; `ended` are the epochs that are over."""

    epoch: int = 0
    held: dict[str, Held] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)

    def acquire(self, task, paths, priority, now) -> int | None:
        """Return the epoch that is granted, or None."""
        mine = self.held.get(task)
        if mine is not None and mine.until > now:
            return mine.epoch
        over = self._over(task, paths)
        claim = self._claim(task, paths, priority, now)
        ahead = [
            other
            for name, other in self.waiting.items()
            if name != task and other.is_fresh(now) and overlap(other.paths, paths)
            if other.rank(name) < claim.rank(task)
        ]
        if ahead or any(self.held[each].until > now for each in over):
            self.waiting[task] = claim
            return None
        for each in {*over, task} & self.held.keys():
            self._end(each)
        self.waiting.pop(task, None)
        self.epoch += 1
        self.held[task] = Held(paths, self.epoch, now + LEASE_TTL)
        return self.epoch

    def extend(self, task, epoch, paths, now) -> int | None:
        mine = self._current(task, epoch, now)
        if mine is None:
            return None
        added = tuple(each for each in dict.fromkeys(paths) if each not in mine.paths)
        over = self._over(task, added)
        if any(self.held[each].until > now for each in over):
            return None
        for each in over:
            self._end(each)
        self.held[task] = replace(mine, paths=mine.paths + added)
        return epoch

    def renew(self, task, epoch, now) -> int | None:
        mine = self._current(task, epoch, now)
        if mine is None:
            return None
        self.held[task] = replace(mine, until=max(mine.until, now + LEASE_TTL))
        return epoch

    def release(self, task) -> None:
        self.waiting.pop(task, None)
        if task in self.held:
            self._end(task)

    def expire(self, now) -> None:
        for task in [each for each, held in self.held.items() if held.until <= now]:
            self._end(task)
        self.waiting = {key: each for key, each in self.waiting.items() if each.is_fresh(now)}

    def _over(self, task, paths) -> list[str]:
        return [
            name for name, held in self.held.items() if name != task and overlap(held.paths, paths)
        ]

    def _claim(self, task, paths, priority, now) -> Waiting:
        known = self.waiting.get(task)
        since = known.since if known and known.is_fresh(now) else now
        if known == Waiting(paths, priority, since, known.asked if known else now):
            asked = known.asked if now - known.asked < WAITING_RESOLUTION else now
        else:
            asked = now
        return Waiting(paths, priority, since, asked)

    def _current(self, task, epoch, now) -> Held | None:
        mine = self.held.get(task)
        return mine if mine and mine.epoch == epoch and mine.until > now else None

    def _end(self, task) -> None:
        self.ended.add(self.held.pop(task).epoch)
