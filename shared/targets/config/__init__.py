"""The settings in a target's `groundswell.toml`, which is read from the base branch only."""

from shared.targets.config.base import FILE, CommandLine, Section
from shared.targets.config.infinite import InfiniteSection
from shared.targets.config.parsing import parse_config
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
from shared.targets.config.whole import TargetConfig

__all__ = [
    "FILE",
    "BenchSection",
    "CommandLine",
    "ComponentSection",
    "EnvironmentSection",
    "InfiniteSection",
    "LandingSection",
    "N8nSection",
    "PolicySection",
    "Section",
    "TargetConfig",
    "TargetSection",
    "TestSection",
    "WatchSection",
    "parse_config",
]
