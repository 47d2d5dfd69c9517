"""What every event is made of."""

from shared.contracts.base import Id, Message


class Event(Message):
    """A fact that was stored. `note` is one sentence about it for people."""

    note: str = ""


class TargetEvent(Event):
    """An event about a target. `wave_id` is set where it belongs to a wave."""

    target_id: Id
    wave_id: Id | None = None


class WaveEvent(TargetEvent):
    """An event of a wave on a target."""

    wave_id: Id
