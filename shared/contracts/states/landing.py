"""The states of what becomes of landed changes elsewhere: pull requests, releases."""

from enum import StrEnum

from shared.contracts.states.machine import Machine


class PullRequestState(StrEnum):
    """wanted → open | pushed (no token: people open it) | refused; wanted again when it grows."""

    WANTED = "wanted"
    OPEN = "open"
    PUSHED = "pushed"
    REFUSED = "refused"


class ReleaseState(StrEnum):
    """wanted → draft | published | refused; undoing → undone | refused, once rolled back."""

    WANTED = "wanted"
    DRAFT = "draft"
    PUBLISHED = "published"
    REFUSED = "refused"
    UNDOING = "undoing"
    UNDONE = "undone"


P = PullRequestState


PULL_REQUEST = Machine(
    "pull_request",
    P.WANTED,
    {
        **{(state, "request"): P.WANTED for state in P},
        (P.WANTED, "open"): P.OPEN,
        (P.WANTED, "push"): P.PUSHED,
        (P.WANTED, "refuse"): P.REFUSED,
    },
)


L = ReleaseState


RELEASE = Machine(
    "release",
    L.WANTED,
    {
        (L.WANTED, "save"): L.DRAFT,
        (L.WANTED, "publish"): L.PUBLISHED,
        **{(state, "refuse"): L.REFUSED for state in (L.WANTED, L.UNDOING)},
        **{(state, "undo"): L.UNDOING for state in (L.WANTED, L.DRAFT, L.PUBLISHED)},
        (L.UNDOING, "finish"): L.UNDONE,
    },
)
