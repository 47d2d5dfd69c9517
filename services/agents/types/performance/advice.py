"""What is advised on what was measured to be slow, where no fix removes it."""

from importlib.resources import files

from shared.agent_types.plans import PlansEngine, advised_rules, read_plans
from shared.detectors.ports import DetectorResources

PLANS = read_plans((files(__package__) / "advice.toml").read_text(encoding="utf-8"))
ADVISED = advised_rules(PLANS)


def advice_engine(_: DetectorResources) -> PlansEngine:
    """Return the engine that advises on what was measured."""
    return PlansEngine(PLANS)
