"""Answers to requests about waves."""

from shared.contracts.base import Id, Oid, Value
from shared.contracts.views import WaveView


class WaveAccepted(Value):
    """The wave is stored and will run. `notes` are sentences for people."""

    wave_id: Id
    target_id: Id
    commit: Oid
    base_branch: str
    landing_branch: str
    notes: tuple[str, ...] = ()


class WaveList(Value):
    """Waves, newest first."""

    waves: tuple[WaveView, ...]


class StoppedWaves(Value):
    """The ids of the waves that were stopped."""

    waves: tuple[Id, ...]


class WaveOpened(WaveAccepted):
    """A wave accepted over HTTP.

    Its events have greater sequence numbers in the event stream than `events_after`.
    """

    events_after: int
