"""Findings over HTTP: SARIF in and out, and lists of what is known."""

import json
import zlib
from pathlib import Path

import httpx
import jsonschema
import pytest

from services.api.main import make_app
from services.api.ports import ApiDeps
from services.api.routes.guard import MAX_BODY_BYTES
from shared.contracts.commands import ImportFindings
from shared.contracts.documents.findings import FindingSet, FindingsImport
from shared.contracts.http import API_PREFIX
from shared.kernel.ids import uuid7
from tests.support.builders import COMMIT, NOW, a_finding, a_target, a_wave
from tests.support.buses import RecordingBus
from tests.support.memory import a_store

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "data/sarif/sarif-schema-2.1.0.json").read_text("utf-8")
)
KEY = "the key of this home"
LOG = {"version": "2.1.0", "runs": []}


@pytest.fixture
async def deps():
    store = a_store()
    deps = ApiDeps(
        store=store, bus=RecordingBus(), ping_database=None, clock=lambda: NOW, new_id=uuid7
    )
    await store.targets.insert(a_target(location="/srv/shop"))
    return deps


@pytest.fixture
async def client(deps):
    transport = httpx.ASGITransport(make_app(deps, key=KEY, hosts=["127.0.0.1"]))
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(
        transport=transport, base_url=f"http://127.0.0.1{API_PREFIX}", headers=headers
    ) as made:
        yield made


async def a_measurement(deps):
    [target] = await deps.store.targets.find()
    old = a_finding("OLD").model_copy(update={"imported": True, "fingerprint": "0" * 64})
    found = (a_finding("E711", path="m/b.py", line=2), a_finding("F401", path="m/a.py"), old)
    await deps.store.findings.insert(
        FindingSet(
            id="x",
            target_id=target.id,
            commit=COMMIT,
            detectors="d",
            findings=found,
            seconds=1.0,
            measured_at=NOW,
        )
    )
    return target


async def an_import(deps, target):
    found = a_finding("R1", path="m/c.py").model_copy(update={"imported": True, "tool": "lint"})
    await deps.store.imports.insert(
        FindingsImport(
            id=f"{target.id}:lint.sarif",
            target_id=target.id,
            name="lint.sarif",
            commit=COMMIT,
            reported=(),
            findings=(found,),
            imported_at=NOW,
        )
    )


async def test_a_log_is_stored_once_and_the_import_requested(client, deps):
    body = json.dumps(LOG).encode()
    where = {"target": "/srv/shop", "name": "lint.sarif", "root": "/ci/shop"}
    answer = await client.post("/findings/import", params=where, content=body)
    assert answer.status_code == 202
    [sent] = [each.message for each in deps.bus.published]
    assert isinstance(sent, ImportFindings)
    assert sent.import_id == answer.json()["import_id"]
    assert (sent.target, sent.name, sent.root) == ("/srv/shop", "lint.sarif", "/ci/shop")
    stored = await deps.store.reports.require(sent.report)
    assert zlib.decompress(stored.data) == body
    assert [each.action for each in await deps.store.audit.find(status=None)] == ["findings.import"]


@pytest.mark.parametrize("body", [b"", b"<xml/>", b"[]", b"[" * 100_000, b'{"version": "2.0.0"}'])
async def test_what_is_no_log_is_refused_before_anything_is_stored(client, deps, body):
    answer = await client.post("/findings/import", params={"target": "/srv/shop"}, content=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_sarif")
    assert "SARIF 2.1.0" in answer.json()["detail"]
    assert answer.json()["hint"]
    assert deps.bus.published == []
    assert await deps.store.reports.find() == []


async def test_a_log_may_be_larger_than_any_other_body(client):
    padding = {**LOG, "$schema": "x" * MAX_BODY_BYTES}
    sent = {"params": {"target": "/srv/shop"}, "content": json.dumps(padding).encode()}
    assert (await client.post("/findings/import", **sent)).status_code == 202
    assert (await client.post("/waves", **sent)).status_code == 413


async def test_findings_are_those_measured_last_and_those_imported_since(client, deps):
    await an_import(deps, await a_measurement(deps))
    found = (await client.get("/findings", params={"target": "/srv/shop"})).json()
    assert [each["path"] for each in found["findings"]] == ["m/a.py", "m/b.py", "m/c.py"]
    assert (found["commit"], found["total"]) == (COMMIT, 3)
    assert [each["name"] for each in found["logs"]] == ["lint.sarif"]
    for wanted, total in (({"rule": "F401"}, 1), ({"rule": "lint"}, 1), ({"component": "x"}, 0)):
        some = await client.get("/findings", params={"target": "/srv/shop", **wanted})
        assert some.json()["total"] == total
    few = await client.get("/findings", params={"target": "/srv/shop", "limit": 1})
    assert (len(few.json()["findings"]), few.json()["total"]) == (1, 3)


async def test_the_export_is_a_valid_log_of_all_of_them(client, deps):
    await an_import(deps, await a_measurement(deps))
    log = (await client.get("/findings/export", params={"target": "/srv/shop"})).json()
    jsonschema.Draft4Validator(SCHEMA).validate(log)
    assert {run["tool"]["driver"]["name"] for run in log["runs"]} == {"ruff", "lint"}
    assert sum(len(run["results"]) for run in log["runs"]) == 3


async def test_imported_findings_alone_can_be_exported(client, deps):
    [target] = await deps.store.targets.find()
    await an_import(deps, target)
    log = (await client.get("/findings/export", params={"target": target.id})).json()
    assert [run["properties"]["commit"] for run in log["runs"]] == [COMMIT]


@pytest.mark.parametrize("path", ["/findings", "/findings/export"])
@pytest.mark.parametrize("target", ["/srv/shop", "/srv/other"])
async def test_where_nothing_is_known_it_says_what_to_do(client, deps, path, target):
    await deps.store.waves.insert(a_wave())
    answer = await client.get(path, params={"target": target})
    assert (answer.status_code, answer.json()["code"]) == (404, "no_findings")
    assert "groundswell findings import" in answer.json()["hint"]
