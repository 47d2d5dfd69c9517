"""Whether a change keeps behaviour, as far as its code shows without running it."""

from shared.contracts.base import Value


class BehaviourEvidence(Value):
    """What the gate found in a change's code about the behaviour that its rule may change.

    `may_change` is what the rule declares. The change keeps behaviour where `open` is empty: each
    place that it edits meets one of `conditions`; without any, it edits comments and layout only.
    `open` has a clause for each place (`path:line: why`) where no condition is shown. `allowed`
    says why the change may land although something is open: the policy, or the target itself.
    """

    may_change: str
    conditions: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    allowed: str = ""

    @property
    def keeps_behaviour(self) -> bool:
        """True if every place of the change is shown to keep behaviour."""
        return not self.open

    @property
    def summary(self) -> str:
        """The evidence in a sentence for people."""
        if self.keeps_behaviour:
            how = "; ".join(self.conditions) or "it changes comments and layout only"
            return f"keeps behaviour, as its code shows: {how}"
        others = len(self.open) - 1
        more = f", and {others} more place{'s' * (others > 1)}" if others else ""
        allowed = f"; allowed: {self.allowed}" if self.allowed else ""
        return f"may change {self.may_change} ({self.open[0]}{more}){allowed}"
