"""What a process remembers about the checks of landed changes."""

from datetime import datetime, timedelta


class OverdueChecks:
    """Since when the due check of a watch has been put off, by watch id."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}

    def delay(self, watch_id: str, now: datetime) -> timedelta:
        """Return for how long the check has been put off, counted from the first call."""
        return now - self._since.setdefault(watch_id, now)

    def done(self, watch_id: str) -> None:
        """Note that the due check of a watch was made, so it is put off no longer."""
        self._since.pop(watch_id, None)
