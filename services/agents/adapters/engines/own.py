"""The engine that proposes what the target's own repairing command changes."""

from collections.abc import Sequence

from services.agents.adapters.fixer import Fixer
from services.agents.adapters.own_detector import findings
from services.agents.domain.proposals import Proposal, propose_own
from shared.detectors.ports import Source
from shared.targets.components import component_of


class OwnEngine:
    """The `Engine` port."""

    def __init__(self, fixer: Fixer) -> None:
        self._fixer = fixer

    async def propose(
        self, source: Source, component: str, exclude: Sequence[str]
    ) -> list[Proposal]:
        """Whole files, as the command leaves them; a file of which a part was refused stays as it is."""
        changes = await self._fixer.repair(source)
        found = list(findings(changes, source))
        refused = {each.path for each in found if each.fingerprint in set(exclude)}
        mine = {
            path: change
            for path, change in changes.items()
            if path not in refused
            and component_of(path, source.profile.components) == component
            and source.profile.config.policy.unsafe_fixes
        }
        return propose_own(component, source.profile.fix, found, mine)
