"""Importing the findings of other tools: once, in place of the last log, measured with the rest."""

import hashlib
import json
import zlib

import pytest

from services.agents.adapters.imports import StoredLogs
from services.agents.main import serve_type
from services.agents.usecases import AgentDeps, import_findings, measure_findings
from shared.agent_types import AgentSpec
from shared.contracts.commands import ImportFindings, MeasureFindings
from shared.contracts.documents.storage import StoredReport
from shared.contracts.events import FindingsImported
from shared.detectors.ports import DetectorResources
from shared.detectors.sarif.imported import ImportedFindingsDetector
from shared.kernel.ids import uuid7
from tests.support.builders import NOW, a_worker
from tests.support.buses import RecordingBus
from tests.support.memory import a_store
from tests.support.places import PlainSlots
from tests.support.repositories import a_repository, git
from tests.support.stores import Watch

SPEC = AgentSpec("own", "", (), (), advisors=(ImportedFindingsDetector,))


@pytest.fixture
def deps(tmp_path):
    store = a_store()
    served = serve_type(SPEC, DetectorResources(tmp_path, imports=StoredLogs(store)))
    return AgentDeps(
        store=store,
        bus=RecordingBus(),
        home=tmp_path / "home",
        me=a_worker(),
        slots=PlainSlots(),
        served={"own": served},
        clock=Watch(),
        new_id=uuid7,
    )


@pytest.fixture
def place(tmp_path):
    return a_repository(tmp_path / "target", **{"m/__init__.py": "", "m/a.py": "a = 1\nb = 2\n"})


def a_log(*lines, path="m/a.py"):
    results = [
        {
            "ruleId": f"R{line}",
            "message": {"text": "Bad."},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": path},
                        "region": {"startLine": line},
                    }
                }
            ],
        }
        for line in lines
    ]
    return {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "l"}}, "results": results}]}


async def imported(deps, place, log, **fields):
    command = ImportFindings(target=str(place), log=log, import_id=uuid7(), **fields)
    deps.clock.go(seconds=1)
    await import_findings(command, deps)
    event = deps.bus.published[-1].message
    assert isinstance(event, FindingsImported)
    assert event.import_id == command.import_id
    return event


async def measured(deps, commit):
    [target] = await deps.store.targets.find()
    command = MeasureFindings(target_id=target.id, wave_id=uuid7(), commit=commit, moment="before")
    await measure_findings(command, deps)
    found = await deps.store.findings.first(target_id=target.id, commit=commit, sort="-measured_at")
    return [(each.rule, each.line, each.agent_type) for each in found.findings]


async def test_a_log_becomes_findings_of_the_target_and_of_its_measurements(deps, place):
    event = await imported(deps, place, a_log(1, 2, 9))
    assert (event.findings, event.reason) == (2, "")
    assert event.notes == ("1 result is left out: the line is not there any more.",)
    commit = git(place, "rev-parse", "HEAD")
    assert await measured(deps, commit) == [("l:R1", 1, "own"), ("l:R2", 2, "own")]


async def test_a_log_takes_the_place_of_the_last_one_of_its_name(deps, place):
    commit = git(place, "rev-parse", "HEAD")
    await imported(deps, place, a_log(1), name="one")
    await imported(deps, place, a_log(2), name="two")
    assert [rule for rule, *_ in await measured(deps, commit)] == ["l:R1", "l:R2"]
    await imported(deps, place, a_log(), name="one")
    assert [rule for rule, *_ in await measured(deps, commit)] == ["l:R2"]
    await imported(deps, place, a_log(1), name="one")
    assert [rule for rule, *_ in await measured(deps, commit)] == ["l:R1", "l:R2"]


async def test_lines_are_those_of_the_commit_that_the_tool_saw(deps, place):
    log, commit = a_log(2), git(place, "rev-parse", "HEAD")
    (place / "m/a.py").write_text("# new\na = 1\nb = 2\n")
    git(place, "commit", "--quiet", "--all", "--message=later")
    for revision, line in ((commit, 3), ("main", 2), ("0" * 40, 2), ("--help", 2)):
        log["runs"][0]["versionControlProvenance"] = [{"revisionId": revision}]
        await imported(deps, place, log)
        [found] = await measured(deps, git(place, "rev-parse", "HEAD"))
        assert found[1] == line, revision


async def test_the_same_command_twice_is_the_same_import(deps, place):
    command = ImportFindings(target=str(place), log=a_log(1), import_id=uuid7())
    for _ in range(2):
        await import_findings(command, deps)
    assert len({each.identity for each in deps.bus.published}) == 1
    assert len(await deps.store.imports.find()) == 1
    assert len(await deps.store.targets.find()) == 1


async def test_a_stored_log_is_read_by_its_digest(deps, place):
    content = json.dumps(a_log(1)).encode()
    digest = hashlib.sha256(content).hexdigest()
    stored = StoredReport(id=digest, kind="sarif", data=zlib.compress(content), created_at=NOW)
    await deps.store.reports.insert(stored)
    assert (await imported(deps, place, None, report=digest)).findings == 1
    assert (await imported(deps, place, None, report="0" * 64)).code == "no_log"


@pytest.mark.parametrize(
    ("log", "target", "said"),
    [
        ({"version": "2.0.0", "runs": []}, None, "no SARIF 2.1.0 log"),
        ({}, None, "no SARIF 2.1.0 log"),
        ({"version": "2.1.0", "runs": []}, "/nowhere/at/all", "/nowhere/at/all"),
    ],
)
async def test_what_cannot_be_imported_is_said_and_changes_nothing(deps, place, log, target, said):
    await imported(deps, place, a_log(1))
    event = await imported(deps, target or place, log)
    assert said in event.reason
    assert event.hint
    assert [len(each.findings) for each in await deps.store.imports.find()] == [1]


@pytest.mark.parametrize("fields", [{}, {"log": {}, "report": "0" * 64}])
def test_a_command_has_one_log(fields):
    with pytest.raises(ValueError, match="either log or report is required"):
        ImportFindings(target="x", **fields)
