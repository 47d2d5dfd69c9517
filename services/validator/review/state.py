"""What a process remembers about pull requests."""


class RequestedPullRequests:
    """The ids of the pull requests that this process has tried to open or update."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._ids

    def add(self, request_id: str) -> None:
        """Note that this process has tried to open or update the pull request."""
        self._ids.add(request_id)
