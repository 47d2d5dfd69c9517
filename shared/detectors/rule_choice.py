"""Which rules a target chooses."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RuleChoice:
    """Prefixes of rule codes: look only for `select` (empty: for all), and never for `ignore`."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def includes(self, code: str) -> bool:
        """Return whether the rule is chosen."""
        chosen = not self.select or code.startswith(self.select)
        return chosen and not code.startswith(self.ignore)
