"""What a process remembers about the changes that went through its queue."""

from shared.contracts.documents.enhancements import Enhancement


class PublishedOutcomes:
    """The states of changes whose events this process is known to have published."""

    def __init__(self) -> None:
        self._published: set[tuple[str, str]] = set()

    def __contains__(self, change: Enhancement) -> bool:
        return (change.id, change.state) in self._published

    def add(self, change: Enhancement) -> None:
        """Note that the event for the present state of `change` has been published."""
        self._published.add((change.id, change.state))
