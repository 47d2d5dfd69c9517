"""Answers about infinite mode."""

from shared.contracts.base import Value
from shared.contracts.views import InfiniteView


class InfiniteStatus(Value):
    """Infinite mode on the targets that were asked about, as it is now."""

    modes: tuple[InfiniteView, ...]
