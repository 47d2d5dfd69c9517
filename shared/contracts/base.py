"""The base classes and enumerations of messages and documents."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from shared.kernel.extensions import AGENT_TYPE_PATTERN

Id = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Oid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
# Which names are registered is known at run time: `shared.kernel.extensions.agent_type_names`.
AgentTypeName = Annotated[str, StringConstraints(pattern=AGENT_TYPE_PATTERN)]


class Value(BaseModel):
    """A frozen value inside a message or a document; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Message(Value):
    """A body on the bus.

    `subject` is where it travels; a reader rejects a version it does not know.
    """

    subject: ClassVar[str]
    version: Literal[1] = 1

    def address(self) -> str:
        """Return the subject to publish to; it differs from `subject` where that is a pattern."""
        return self.subject


class EngineName(StrEnum):
    """How a change is made: by deterministic rules, by Claude, or submitted by someone else."""

    RULES = "rules"
    CLAUDE = "claude"
    EXTERNAL = "external"


class Priority(StrEnum):
    """A task's priority; each has its own subjects, because JetStream has none."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Severity(StrEnum):
    """The severity of a finding, as in SARIF."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class RunKind(StrEnum):
    """What a test run executes."""

    TESTS = "tests"
    MUTATION = "mutation"
    BENCHMARKS = "benchmarks"
    GAIN = "gain"

    @property
    def exclusive(self) -> bool:
        """True if nothing else may run on the machine, as it would disturb the measurement."""
        return self in {RunKind.BENCHMARKS, RunKind.GAIN}


class RunPurpose(StrEnum):
    """Why a run is made; the values are what users read."""

    BASELINE = "baseline"
    QUICK_GATE = "quick gate"
    FULL_RUN = "full run"
    BISECTION = "bisection"
    BLAME = "blame"
    CONFIRMATION = "confirmation"
    BASE_AGAIN = "base again"
    CHECK = "check"
    BURN_IN = "burn-in"
    MUTATION = "mutation"
    BENCHMARKS = "benchmarks"
    GAIN = "gain"
    ROLLBACK = "rollback"
    WATCH = "watch"
    BACKTEST = "backtest"


class WaveSize(StrEnum):
    """How many tasks a wave may have."""

    SMALL = "small"
    LARGE = "large"

    @property
    def limit(self) -> int:
        """The maximum number of tasks of a wave of this size."""
        return {WaveSize.SMALL: 5, WaveSize.LARGE: 15}[self]


ALL: Literal["all"] = "all"
PROTECTION: Literal["protection"] = "protection"
