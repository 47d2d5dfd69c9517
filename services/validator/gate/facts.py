"""What a round knows of its changes besides their runs."""

from dataclasses import dataclass, field

from services.validator.approval.usecases import JudgedBehaviour
from services.validator.decision.rates import FailureRate
from services.validator.impact.usecases.recordings import Recorded
from services.validator.proof.usecases import KnownProofs
from shared.contracts.documents.gain import Gain
from shared.contracts.documents.workflows import WorkflowCheck


@dataclass
class ChangeFacts:
    """What is known of a round's changes besides its runs, by change as far as it was asked for.

    `misjudged` are the components whose choice of impacted tests was often wrong, `flaky` the
    failure rates of tests known to be flaky, and `recorded` is the recording that the impacted
    tests come from; where that is stale, the next full run is recorded. `proofs` are those of
    changes that leave the program as it is, `behaviours` what the code of the others shows,
    `gains` those of changes that promise speed, and `workflows` what n8n showed of workflows.
    """

    impacted: dict[str, frozenset[str] | None] = field(default_factory=dict)
    needs: dict[str, frozenset[str]] = field(default_factory=dict)
    risks: dict[str, float] = field(default_factory=dict)
    misjudged: set[str] = field(default_factory=set)
    flaky: dict[str, FailureRate] = field(default_factory=dict)
    behaviours: dict[str, JudgedBehaviour] = field(default_factory=dict)
    recorded: Recorded | None = None
    is_recording_stale: bool = False
    proofs: KnownProofs = field(default_factory=KnownProofs)
    gains: dict[str, Gain] = field(default_factory=dict)
    workflows: dict[str, WorkflowCheck] = field(default_factory=dict)
