"""A command without an id gets that of its message, which is the same at every delivery."""

from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from shared.contracts.commands import BacktestTarget
from shared.kernel.ids import uuid7
from shared.messaging.consumers import with_id

COMMAND = BacktestTarget(target="/nowhere", since="v1")


@dataclass(frozen=True)
class Metadata:
    number: int = 7
    stream: str = "COMMANDS"
    timestamp: datetime = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    num_delivered: int = 1

    @property
    def sequence(self):
        return SimpleNamespace(stream=self.number, consumer=self.num_delivered)


def id_of(metadata, command=COMMAND):
    received = SimpleNamespace(raw_message=SimpleNamespace(metadata=metadata))
    found = with_id(command, "backtest_id", received)
    return BacktestTarget.model_validate(found.model_dump()).backtest_id


def test_each_delivery_of_a_message_gives_the_same_id():
    assert id_of(Metadata()) == id_of(Metadata(num_delivered=2))


@pytest.mark.parametrize(
    "other",
    [
        Metadata(number=8),
        Metadata(stream="OTHERS"),
        Metadata(timestamp=datetime(2026, 1, 2, tzinfo=UTC)),
    ],
)
def test_another_message_gives_another_id(other):
    assert id_of(Metadata()) != id_of(other)


def test_the_id_sorts_among_others_by_the_time_of_the_message():
    later = Metadata(timestamp=datetime(2026, 1, 3, tzinfo=UTC))
    assert id_of(Metadata()) < id_of(later)
    assert id_of(Metadata(timestamp=datetime(2020, 1, 1, tzinfo=UTC))) < uuid7()


def test_an_id_of_its_own_is_kept():
    own = uuid7()
    assert id_of(Metadata(), COMMAND.model_copy(update={"backtest_id": own})) == own
