"""What a state machine is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True)
class Machine:
    """A state machine: the state each trigger leads to, by the state it starts from."""

    name: str
    initial: StrEnum
    transitions: Mapping[tuple[Any, str], Any]

    def target(self, state: Any, trigger: str) -> Any | None:
        """Return the state after `trigger`, or None where it is not allowed."""
        return self.transitions.get((state, trigger))

    def sources(self, trigger: str) -> tuple[Any, ...]:
        """Return the states that allow `trigger`."""
        return tuple(state for state, name in self.transitions if name == trigger)

    def terminal(self, state: Any) -> bool:
        """Return whether no transition leaves `state`."""
        return all(source != state for source, _ in self.transitions)
