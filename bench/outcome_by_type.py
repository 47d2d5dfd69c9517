"""What waves did, by agent type, from the documents that the stack stored."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.agent_types import agent_specs
from shared.contracts.documents.conflicts import ConflictResolution
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import FindingSet, Health
from shared.contracts.documents.waves import Wave as WaveDocument
from shared.contracts.states import EnhancementState
from shared.mongo.collections import Store, latest_findings

# How a refused change's reason begins, and the stage that refused it.
STAGES = {
    "old-epoch": "lease",
    "outside-lease": "lease",
    "findings": "findings",
    "no gain": "gain",
    "conflict": "overlap",
    "does not apply": "overlap",
}
NOT_LANDED = {
    EnhancementState.REJECTED,
    EnhancementState.EXPIRED,
    EnhancementState.SUPERSEDED,
}


@dataclass(frozen=True)
class Wave:
    """A wave that is over, with its proposals and the overlaps of these.

    `repeated` counts the patches that an earlier wave had proposed as well.
    """

    document: WaveDocument
    seconds: float
    changes: tuple[Enhancement, ...]
    conflicts: tuple[ConflictResolution, ...]
    repeated: int

    @classmethod
    async def of(cls, document: WaveDocument, seconds: float, store: Store) -> "Wave":
        """Return a wave with what is stored about it."""
        changes = await store.enhancements.find(wave_id=document.id)
        every = await store.enhancements.find(target_id=document.target_id)
        before = {_digest(each) for each in every if each.wave_id != document.id}
        conflicts = await store.conflicts.find(target_id=document.target_id)
        return cls(
            document,
            seconds,
            tuple(changes),
            tuple(each for each in conflicts if document.id in each.waves),
            sum(_digest(each) in before for each in changes if each.proposal.patch),
        )

    @property
    def landed(self) -> list[Enhancement]:
        """The changes that landed."""
        return [each for each in self.changes if each.state is EnhancementState.APPLIED]

    @property
    def unrecorded(self) -> int:
        """How many changes an overlap ended that no conflict names."""
        named = {
            side.enhancement_id for each in self.conflicts for side in (each.first, each.second)
        }
        return sum(
            stage(each) in {"overlap", "superseded"} and each.id not in named
            for each in self.changes
            if each.state in NOT_LANDED
        )


def _digest(change: Enhancement) -> str:
    """Return the digest of a change's patch; empty for advice."""
    return change.proposal.patch.digest if change.proposal.patch else ""


def stage(change: Enhancement) -> str:
    """Return the stage that a change which did not land was refused at."""
    if change.state is EnhancementState.SUPERSEDED:
        return "superseded"
    if change.decision.tests:
        return "tests"
    reason = change.decision.reason
    return next((name for word, name in STAGES.items() if reason.startswith(word)), "other")


async def rows_by_type(name: str, waves: Sequence[Wave], store: Store) -> list[dict[str, Any]]:
    """Return a row for each agent type; `name` is the repository's."""
    first, last = waves[0].document, waves[-1].document
    found = await latest_findings(store, first.target_id, first.commit)
    ends = [first.commit, last.final_commit or last.commit]
    health = [await store.health.find(target_id=first.target_id, commit=each) for each in ends]
    agents = [
        agent for wave in waves for agent in await store.agents.find(wave_id=wave.document.id)
    ]
    lines = found.lines if found else {}
    return [
        {
            "target": name,
            "type": kind,
            "findings": _count_findings(found, kind),
            "agents": sum(each.type == kind for each in agents),
            **_outcome(waves, kind),
            "health": _health(health, kind, lines),
            "agent s": sum((each.seconds for each in agents if each.type == kind), 0.0),
            "waves": f"{len(waves)} in {sum(each.seconds for each in waves):.0f} s",
        }
        for kind in agent_specs()
    ]


def _count_findings(found: FindingSet | None, kind: str) -> int:
    """Return the number of findings of one agent type."""
    return sum(each.agent_type == kind for each in found.findings) if found else 0


def _outcome(waves: Sequence[Wave], kind: str) -> dict[str, Any]:
    """Return what became of all proposals of one agent type."""
    mine = [
        each for wave in waves for each in wave.changes if each.proposal.author.agent_type == kind
    ]
    states = Counter(each.state for each in mine)
    refused = Counter(stage(each) for each in mine if each.state in NOT_LANDED)
    ids = {each.id for each in mine}
    overlaps = Counter(
        (each.outcome or each.strategy).replace("_", " ")
        for wave in waves
        for each in wave.conflicts
        if {each.first.enhancement_id, each.second.enhancement_id} & ids
    )
    return {
        "proposals": sum(each.proposal.patch is not None for each in mine),
        "advice": states[EnhancementState.ADVISORY],
        "landed": states[EnhancementState.APPLIED],
        "waiting": states[EnhancementState.NEEDS_APPROVAL],
        "refused": _listed(refused),
        "overlaps": _listed(overlaps),
        "gains": ", ".join(_gains(mine)),
    }


def _gains(changes: Iterable[Enhancement]) -> list[str]:
    """Return the share of the time that each landed change for speed takes of that before it."""
    return [
        f"{change.decision.gain.best.ratio:.2f}"
        for change in changes
        if change.state is EnhancementState.APPLIED
        and change.decision.gain is not None
        and change.decision.gain.best is not None
    ]


def _listed(counts: Counter[str]) -> str:
    """Return counts as a text, such as `tests 2, overlap 1`."""
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _health(measured: Sequence[Sequence[Health]], kind: str, lines: dict[str, int]) -> str:
    """Return the score of a type's dimensions before and after, weighted by lines."""
    names = {each.name for each in agent_specs()[kind].dimensions}
    scores = []
    for side in measured:
        mine = [each for each in side if each.dimension in names]
        weights = [max(lines.get(each.component, 0), 1) for each in mine]
        total = sum(each.score * weight for each, weight in zip(mine, weights, strict=True))
        scores.append(f"{total / sum(weights):.1f}" if mine else "not measured")
    return " -> ".join(scores)


def landed_changes(waves: Sequence[Wave]) -> list[dict[str, Any]]:
    """Return what landed, in the order of landing, as JSON objects."""
    return [
        {
            "commit": each.landing.commit,
            "type": each.proposal.author.agent_type,
            "rule": each.proposal.fix.rule,
            "title": each.proposal.title,
        }
        for wave in waves
        for each in sorted(wave.landed, key=lambda change: change.changed_at)
    ]
