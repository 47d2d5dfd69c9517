"""Documents for tests: every field that does not matter is filled in."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from shared.contracts.base import PROTECTION, EngineName, Priority, Severity
from shared.contracts.documents.agents import Agent, Stint, Worker
from shared.contracts.documents.backtests import Backtest
from shared.contracts.documents.choices import TaskCandidate
from shared.contracts.documents.enhancements import (
    DecisionRecord,
    Enhancement,
    FixKind,
    LandingRecord,
    ProposalAuthor,
    ProposalRecord,
    ProposedPatch,
)
from shared.contracts.documents.findings import Finding, Health
from shared.contracts.documents.review import PullRequest
from shared.contracts.documents.runs import RunExecution, RunResult, RunSpec, TestRun
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Opportunity, Task, Wave
from shared.kernel.ids import uuid7

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
COMMIT = "c" * 40
SHA = "a" * 64


def a_finding(rule: str = "F401", **fields: Any) -> Finding:
    """A finding of a rule by its id, or by ruff's code of it."""
    known = {
        "agent_type": "code_quality",
        "severity": Severity.WARNING,
        "message": "m",
        "path": "m.py",
        "line": 1,
        "fingerprint": uuid7(),
        "component": "m",
        "fixable": "safe",
        "tool": "ruff",
    }
    full = rule if ":" in rule else f"ruff:{rule}"
    return Finding(rule=full, **{**known, **fields})


def a_target(**fields: Any) -> Target:
    known = {
        "id": uuid7(),
        "location": "/nowhere",
        "root_commit": COMMIT,
        "name": "target",
        "base_branch": "main",
        "landing_branch": "groundswell/main",
        "created_at": NOW,
    }
    return Target(**{**known, **fields})


def a_wave(**fields: Any) -> Wave:
    known = {
        "id": uuid7(),
        "target_id": uuid7(),
        "commit": COMMIT,
        "base_commit": COMMIT,
        "created_at": NOW,
        "changed_at": NOW,
    }
    return Wave(**{**known, **fields})


def an_opportunity(component: str = "m", **fields: Any) -> Opportunity:
    known = {
        "agent_type": "code_quality",
        "component": component,
        "description": "d",
        "priority": Priority.NORMAL,
        "expected_impact": 1.0,
        "complexity": 1.0,
        "findings": 1,
        "fixable": 1,
    }
    return Opportunity(**{**known, **fields})


def a_candidate(**fields: Any) -> TaskCandidate:
    known = {
        "agent_type": "code_quality",
        "component": "m",
        "family": "ruff:F",
        "component_class": "Python/small",
        "priority": Priority.NORMAL,
        "impact": 4.0,
        "complexity": 2.0,
        "expected": 0.9,
        "drawn": 0.8,
        "trials": 3.0,
        "value": 1.6,
        "reason": "A reason.",
    }
    return TaskCandidate(**{**known, **fields})


def a_task(wave: Wave | None = None, **fields: Any) -> Task:
    wave = wave or a_wave()
    component = fields.get("component", "m")
    known = {
        "id": uuid7(),
        "wave_id": wave.id,
        "target_id": wave.target_id,
        "agent_id": uuid7(),
        "agent_type": "code_quality",
        "component": component,
        "paths": ("/m.py",),
        "commit": wave.commit,
        "opportunity": an_opportunity(component),
        "created_at": NOW,
        "changed_at": NOW,
    }
    return Task(**{**known, **fields})


def an_enhancement(task: Task | None = None, **fields: Any) -> Enhancement:
    """An enhancement; `fields` are its own or those of the values in it, under their last name."""
    task = task or a_task()
    known = {
        "id": uuid7(),
        "wave_id": task.wave_id,
        "task_id": task.id,
        "target_id": task.target_id,
        "key": "F401",
        "component": task.component,
        "agent_type": task.agent_type,
        "agent_id": task.agent_id,
        "agent": "agent-code-quality-1",
        "engine": EngineName.RULES,
        "epoch": task.epoch,
        "order": 0,
        # A rule that the target itself permits, so that the gate asks nobody for it.
        "rule": "own:OWN",
        "title": "refactor(m): remove unused imports (F401)",
        "rationale": "Why.",
        "safe": True,
        "prior": 0.95,
        "base_commit": task.commit,
        "patch": SHA,
        "files": ("m.py",),
        "lines_added": 0,
        "lines_removed": 1,
        "created_at": NOW,
        "changed_at": NOW,
    }
    given = {**known, **fields}
    patch = {"digest": given.pop("patch"), **_taken(given, ProposedPatch)}
    proposal = {
        **_taken(given, ProposalRecord),
        "author": _taken(given, ProposalAuthor),
        "fix": _taken(given, FixKind),
        "patch": patch,
    }
    return Enhancement(
        proposal=proposal,
        decision=_taken(given, DecisionRecord),
        landing=_taken(given, LandingRecord),
        **given,
    )


def a_test_run(wave: Wave, **fields: Any) -> TestRun:
    """A test run; `fields` are its own or those of the values in it, under their last name."""
    known = {
        "id": uuid7(),
        "key": uuid7(),
        "target_id": wave.target_id,
        "wave_id": wave.id,
        "purpose": "full run",
        "tree": COMMIT,
        "head": wave.commit,
        "environment": "e",
        "created_at": NOW,
    }
    given = {**known, **fields}
    return TestRun(
        request=_taken(given, RunSpec),
        result=_taken(given, RunResult),
        execution=_taken(given, RunExecution),
        **given,
    )


def _taken(given: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Take the fields of `model` out of `given`."""
    return {name: given.pop(name) for name in model.model_fields if name in given}


def a_pull_request(**fields: Any) -> PullRequest:
    known = {
        "id": uuid7(),
        "target_id": uuid7(),
        "wave_id": uuid7(),
        "branch": "groundswell/main-1",
        "base_branch": "main",
        "commit": COMMIT,
        "enhancements": (),
        "created_at": NOW,
        "changed_at": NOW,
    }
    return PullRequest(**{**known, **fields})


def a_health(
    wave: Wave, component: str = "m", *, commit: str | None = None, **fields: Any
) -> Health:
    """Metrics as keywords of `metrics`; what is not said is nought."""
    metrics = {"findings": 0.0, "lines": 100.0, "density": 0.0, **fields.pop("metrics", {})}
    commit = commit or wave.commit
    known = {
        "id": f"{wave.target_id}:{commit}:{component}:code_quality",
        "target_id": wave.target_id,
        "commit": commit,
        "component": component,
        "dimension": "code_quality",
        "metrics": metrics,
        "score": 100.0,
        "measured_at": NOW,
    }
    return Health(**{**known, **fields})


def a_protection_health(
    wave: Wave, component: str = "m", *, commit: str, of: int = 4, protected: int = 3, **fields: Any
) -> Health:
    """Make the protection of `of` lines that landed with `commit`, with one mutant in each."""
    counts = {"mutants": of, "killed": protected, "lines": of, "protected_lines": protected}
    known = {
        "id": f"{wave.target_id}:{commit}:{component}:{PROTECTION}",
        "dimension": PROTECTION,
        "metrics": counts,
        "score": 100 * protected / of,
    }
    return a_health(wave, component, commit=commit).model_copy(update={**known, **fields})


def a_backtest(**fields: Any) -> Backtest:
    known = {
        "id": uuid7(),
        "location": "/nowhere",
        "name": "target",
        "base_branch": "main",
        "since": "v1",
        "limit": 200,
        "created_at": NOW,
    }
    return Backtest(**{**known, **fields})


def an_agent(task: Task | None = None, **fields: Any) -> Agent:
    """The agent of this task, which says which one that is."""
    task = task or a_task()
    known = {
        "id": task.agent_id,
        "name": "agent-code-quality-1",
        "type": task.agent_type,
        "wave_id": task.wave_id,
        "target_id": task.target_id,
        "focus": task.opportunity.place,
        "assignment": task.opportunity.description,
        "deployed_at": NOW,
    }
    return Agent(**{**known, **fields})


def a_stint(task: Task, worker: Worker | None = None, **fields: Any) -> Stint:
    """The time in which this worker runs the agent of the task."""
    worker = worker or a_worker()
    known = {
        "task_id": task.id,
        "epoch": task.epoch,
        "worker_id": worker.id,
        "host": worker.host,
        "pid": worker.pid,
        "heartbeat_seconds": worker.heartbeat_seconds,
        "started_at": NOW,
        "heartbeat_at": NOW,
    }
    return Stint(**{**known, **fields})


def a_worker(**fields: Any) -> Worker:
    """A process that runs agents of one type, one at a time."""
    known = {
        "id": uuid7(),
        "host": "here",
        "pid": 1,
        "types": ("code_quality",),
        "engines": (EngineName.RULES,),
        "slots": 1,
        "heartbeat_seconds": 5,
        "started_at": NOW,
        "heartbeat_at": NOW,
    }
    return Worker(**{**known, **fields})
