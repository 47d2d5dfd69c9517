"""Cancelling work in threads, which nobody can interrupt: it asks at certain places itself."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Cancelled(Exception):
    """The work was cancelled, and its result is wanted by nobody."""


class Cancellation:
    """Whether a piece of work, and all tasks and threads that it started, is cancelled."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Let the work end at the next place where it asks."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """True once it was cancelled."""
        return self._event.is_set()


_current: ContextVar[Cancellation | None] = ContextVar("cancellation", default=None)


@contextmanager
def cancellable() -> Iterator[Cancellation]:
    """Make what is started inside the block cancellable, threads by `asyncio.to_thread` too."""
    cancellation = Cancellation()
    token = _current.set(cancellation)
    try:
        yield cancellation
    finally:
        _current.reset(token)


def is_cancelled() -> bool:
    """Return whether the work that this code is part of was cancelled."""
    cancellation = _current.get()
    return cancellation is not None and cancellation.cancelled


def check_cancelled() -> None:
    """Raise `Cancelled` if the work that this code is part of was cancelled."""
    if is_cancelled():
        raise Cancelled
