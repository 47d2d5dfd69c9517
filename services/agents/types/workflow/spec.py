"""The declaration of the agent type workflow."""

from services.agents.types.workflow.fixers import FIXERS
from services.agents.types.workflow.health import METRICS, measure
from services.agents.types.workflow.priors import PRIORS
from services.agents.types.workflow.section import NAME, WorkflowSection, rule_choice
from shared.agent_types import AgentSpec, HealthDimension
from shared.agent_types.health import DENSITY_FORMULA
from shared.detectors.n8n import WorkflowDetector
from shared.detectors.n8n.graph_diff import graph_changes
from shared.detectors.ports import DetectorResources


def workflow_detector(_: DetectorResources) -> WorkflowDetector:
    """Return the detector over the workflows of a target."""
    return WorkflowDetector(rule_choice)


SPEC = AgentSpec(
    name=NAME,
    description="Repairs n8n workflows: what is broken, unguarded, exposed or no longer supported.",
    dimensions=(HealthDimension(NAME, METRICS, measure, DENSITY_FORMULA),),
    detectors=(workflow_detector,),
    fixers=FIXERS,
    files=("*.json",),
    priors=PRIORS,
    configuration=WorkflowSection,
    describe=graph_changes,
)
