"""What a run that measures a gain is told."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from services.validator.gains.domain.functions import MeasuredFunction


@dataclass(frozen=True)
class GainPlan:
    """The tree without the change, and the functions to compare; the run has the tree with it."""

    before: str
    functions: Sequence[MeasuredFunction]

    def to_json(self) -> str:
        """Return the canonical text; `from_json` is its inverse."""
        functions = [asdict(each) for each in self.functions]
        return json.dumps({"before": self.before, "functions": functions}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "GainPlan":
        """Return the plan of a text by `to_json`."""
        body = json.loads(text)
        return cls(body["before"], [MeasuredFunction(**each) for each in body["functions"]])
