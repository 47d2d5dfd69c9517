"""What holds for every event: its ids, its place in the stream, and who consumes it."""

import inspect

import pytest

from shared.contracts import events
from shared.contracts.events import (
    EVENTS,
    BacktestFinished,
    CommitReplayed,
    Event,
    FindingsImported,
    PullRequestOpened,
    PullRequestRefused,
    RollbackFinished,
    TargetPushed,
    WebhookExhausted,
    WorkerRegistered,
)
from shared.contracts.streams import EVENTS as EVENT_STREAM
from shared.contracts.streams import EVENTS_FOR_COORDINATOR, STREAMS, WAVE_ADVANCING_EVENTS

# Of infinite mode on a target.
INFINITE = ("gs.evt.infinite.", "gs.evt.breaker.", "gs.evt.budget.")
# Processes run agents of any number of targets.
# What could not be delivered may be of several targets.
WITHOUT_A_TARGET = {WorkerRegistered, WebhookExhausted}
# A backtest or import may end because the repository cannot be read, so that there is no target.
WITH_AN_OPTIONAL_TARGET = {BacktestFinished, FindingsImported}
# A rollback may cover all waves since some time, a pull request may show changes of several waves,
# and a backtest belongs to none.
WITH_AN_OPTIONAL_WAVE = {
    RollbackFinished,
    PullRequestOpened,
    PullRequestRefused,
    CommitReplayed,
    BacktestFinished,
    FindingsImported,
    TargetPushed,
    *(each for each in EVENTS if each.subject.startswith(INFINITE)),
}
BASES = {
    events.Event,
    events.TargetEvent,
    events.WaveEvent,
    events.EnhancementEvent,
    events.AgentEvent,
}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_every_event_carries_its_target_and_its_wave(event):
    fields = event.model_fields
    if event in WITHOUT_A_TARGET:
        assert {"target_id", "wave_id"}.isdisjoint(fields)
        return
    assert fields["target_id"].is_required() is (event not in WITH_AN_OPTIONAL_TARGET)
    assert fields["wave_id"].is_required() is (event not in WITH_AN_OPTIONAL_WAVE)


def test_the_list_of_events_has_every_event_once():
    declared = {
        each
        for _, each in inspect.getmembers(events, inspect.isclass)
        if issubclass(each, Event) and each not in BASES
    }
    assert set(EVENTS) == declared
    assert len(EVENTS) == len(declared)


def test_events_and_nothing_else_go_to_the_event_stream():
    [prefix] = [each.removesuffix(">") for each in EVENT_STREAM.subjects]
    assert all(each.subject.startswith(prefix) for each in EVENTS)
    others = [
        subject for stream in STREAMS if stream is not EVENT_STREAM for subject in stream.subjects
    ]
    assert not any(subject.startswith(prefix) for subject in others)


def test_the_coordinator_consumes_only_events_that_it_acts_on():
    wanted = set(EVENTS_FOR_COORDINATOR.filter_subjects)
    assert wanted < {each.subject for each in EVENTS}
    assert {each.subject for each in WAVE_ADVANCING_EVENTS} <= wanted
    frequent = {events.RunFinished, events.GateDecided, events.CommitReplayed, events.LeaseGranted}
    assert wanted.isdisjoint(each.subject for each in frequent)
