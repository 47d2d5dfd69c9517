"""The whole of `groundswell.toml`."""

from typing import Any, TypeVar

from pydantic import BaseModel, Field

from shared.targets.config.base import Section
from shared.targets.config.infinite import InfiniteSection
from shared.targets.config.sections import (
    BenchSection,
    ComponentSection,
    EnvironmentSection,
    LandingSection,
    N8nSection,
    PolicySection,
    TargetSection,
    TestSection,
    WatchSection,
)

S = TypeVar("S", bound=BaseModel)


class TargetConfig(Section):
    """The whole of `groundswell.toml`; every table may be left out.

    `agents` has a table for each agent type, which the type's own model has validated.

    One field per table.
    """

    target: TargetSection = TargetSection()
    component: tuple[ComponentSection, ...] = ()
    environment: EnvironmentSection = EnvironmentSection()
    test: TestSection = TestSection()
    policy: PolicySection = PolicySection()
    landing: LandingSection = LandingSection()
    bench: BenchSection = BenchSection()
    watch: WatchSection = WatchSection()
    n8n: N8nSection = N8nSection()
    infinite: InfiniteSection = InfiniteSection()
    agents: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def agent_section(self, name: str, model: type[S]) -> S:
        """Return `[agents.<name>]` as that type's model, with its defaults where it is left out."""
        return model.model_validate(self.agents.get(name, {}))
