"""Advice: what a person can do about findings for which no patch is made."""

from shared.contracts.base import Value


class Advice(Value):
    """A plan, the evidence that it is needed, and the steps of it, in order.

    `caution` says what to mind.
    """

    plan: str
    evidence: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    caution: str = ""

    @property
    def text(self) -> str:
        """The advice as running text."""
        steps = " ".join(f"{number}. {each}" for number, each in enumerate(self.steps, 1))
        text = f"Plan: {self.plan}. Evidence: {'; '.join(self.evidence)}. Steps: {steps}"
        return f"{text} {self.caution}".strip()
