"""The message catalogue: `python -m shared.contracts.catalogue` regenerates docs/messages.md."""

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from shared.contracts import answers, commands, events, views, work
from shared.contracts.base import Message
from shared.contracts.streams import CONSUMERS, STREAMS, TASKS, Retention

PAGE = Path(__file__).parent.parent.parent / "docs" / "messages.md"
HEAD = """\
# Messages

Generated from `shared/contracts/` by
`python -m shared.contracts.catalogue`; a test keeps it up to date.

A body is JSON. Fields in brackets are optional; unknown fields are ignored; `version` is 1
and may be omitted.
A message that cannot be read goes to `gs.dlq.<stream>.<consumer>` (requests:
`gs.dlq.rpc.<endpoint>`) with its reason in `gs-reason`.
An answer is `{"ok": true, "result": {…}}` or
`{"ok": false, "error": {"family", "code", "message", "hint"}}`.

```
eval "$(groundswell nats env)"
nats pub gs.cmd.wave.start '{"target": "/path/to/repository", "size": "small"}'
nats req gs.rpc.status ''
nats sub 'gs.evt.>'
```
"""
RPC = (
    (commands.StartWave, answers.WaveAccepted, "coordinator"),
    (commands.StopWave, answers.StoppedWaves, "coordinator"),
    (commands.GetWaves, answers.WaveList, "coordinator"),
    (commands.GetWave, views.WaveDetails, "coordinator"),
    (commands.GetAgents, answers.AgentList, "coordinator"),
    (commands.GetStatus, answers.Status, "coordinator"),
    (commands.StartInfiniteMode, answers.InfiniteStatus, "coordinator"),
    (commands.PauseInfiniteMode, answers.InfiniteStatus, "coordinator"),
    (commands.ResumeInfiniteMode, answers.InfiniteStatus, "coordinator"),
    (commands.StopInfiniteMode, answers.InfiniteStatus, "coordinator"),
    (commands.GetInfiniteMode, answers.InfiniteStatus, "coordinator"),
    (commands.RollbackEnhancement, answers.RollbackAccepted, "api"),
    (commands.DecideEnhancement, answers.DecisionAccepted, "api"),
    (commands.BacktestTarget, answers.BacktestAccepted, "api"),
    (commands.GetTaskReason, views.TaskReason, "api"),
    (commands.AcquireLease, commands.LeaseGrant, "resolver"),
    (commands.RenewLease, commands.LeaseGrant, "resolver"),
    (commands.ExtendLease, commands.LeaseGrant, "resolver"),
    (commands.ReleaseLease, answers.Acknowledgement, "resolver"),
)


def page() -> str:
    """Return the text of docs/messages.md."""
    durable = [each for each in _messages(commands) if each.subject.startswith("gs.cmd.")]
    parts = [
        HEAD,
        _streams(),
        _section("Commands", "Durable: a command is accepted with the PubAck.", durable),
        _requests(),
        _section("Work", "Sent from one service to another.", _messages(work)),
        _section("Events", "Kept for 7 days.", events.EVENTS),
    ]
    return "\n".join(parts)


def _messages(module: Any) -> list[type[Message]]:
    """Return the message classes with a subject that a module or package defines, by name."""
    found = [each for _, each in inspect.getmembers(module, inspect.isclass)]
    mine = [each for each in found if each.__module__.startswith(module.__name__)]
    return [each for each in mine if issubclass(each, Message) and hasattr(each, "subject")]


def _streams() -> str:
    """Return the section with the table of streams and their consumers, as Markdown."""
    lines = ["## Streams", "", "| stream | subjects | retention | consumers |", "|---|---|---|---|"]
    for each in STREAMS:
        tasks = each is TASKS
        subjects = ("gs.task.<priority>.<agent_type>",) if tasks else each.subjects
        names = [consumer.name for consumer in CONSUMERS if consumer.stream == each.name]
        shown = ["agents-<priority>-<agent_type>"] if tasks else names
        kept = (
            "work queue"
            if each.retention is Retention.WORK_QUEUE
            else f"{each.max_age / 86400:.0f} days"
        )
        cells = (each.name, _code(subjects), kept, _code(shown))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _requests() -> str:
    """Return the section with the table of requests and their answers, as Markdown."""
    lines = [
        "## Requests",
        "",
        "Answered by NATS micro services; `$SRV.PING`, INFO and STATS find them, and INFO has",
        "the JSON schemas of each request and answer.",
        "",
    ]
    lines += ["| subject | request | answer | by |", "|---|---|---|---|"]
    for question, answer, service in RPC:
        subject = question.subject.replace("gs.cmd.", "gs.rpc.", 1)
        lines.append(f"| `{subject}` | {_fields(question)} | {answer.__name__} | {service} |")
    return "\n".join([*lines, ""])


def _section(title: str, introduction: str, messages: Iterable[type[Message]]) -> str:
    """Return a section with a table of messages, as Markdown."""
    lines = [f"## {title}", "", introduction, "", "| subject | fields | meaning |", "|---|---|---|"]
    for each in messages:
        meaning = " ".join((each.__dict__.get("__doc__") or "").split())
        lines.append(f"| `{each.subject}` | {_fields(each)} | {meaning} |")
    return "\n".join([*lines, ""])


def _fields(message: type[Message]) -> str:
    """Return the names of the fields of a message; optional ones in brackets."""
    names = [
        f"`{name}`" if field.is_required() else f"[`{name}`]"
        for name, field in message.model_fields.items()
        if name != "version"
    ]
    return " ".join(names) or "none"


def _code(names: Iterable[str]) -> str:
    """Return names as Markdown code, separated by spaces."""
    return " ".join(f"`{each}`" for each in names)


if __name__ == "__main__":
    PAGE.write_text(page())
