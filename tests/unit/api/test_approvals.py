"""Changes that need approval over HTTP: in groups, and many decided at once."""

import httpx
import pytest

from services.api.main import make_app
from services.api.ports import ApiDeps
from shared.contracts.commands import DecideEnhancement
from shared.contracts.http import API_PREFIX
from shared.kernel.ids import uuid7
from tests.support.builders import NOW, SHA, a_target, a_task, a_wave, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.memory import a_store

KEY = "k" * 32


async def fine():
    return None


@pytest.fixture
def deps():
    return ApiDeps(
        store=a_store(), bus=RecordingBus(), ping_database=fine, clock=lambda: NOW, new_id=uuid7
    )


@pytest.fixture
async def client(deps):
    transport = httpx.ASGITransport(make_app(deps, key=KEY, hosts=["127.0.0.1"]))
    async with httpx.AsyncClient(
        transport=transport,
        base_url=f"http://127.0.0.1:8000{API_PREFIX}",
        headers={"Authorization": f"Bearer {KEY}"},
    ) as made:
        yield made


async def waiting(deps, *kinds):
    """Changes of (rule, component, reason) that need approval, and one that does not."""
    target = a_target()
    wave = a_wave(target_id=target.id)
    await deps.store.targets.insert(target)
    made = []
    for number, (rule, component, reason) in enumerate(kinds):
        task = a_task(wave, component=component)
        made.append(
            an_enhancement(
                task,
                key=f"k{number}",
                rule=f"ruff:{rule}",
                patch=SHA,
                state="needs_approval",
                approval_reason=reason,
            )
        )
    landed = an_enhancement(a_task(wave), key="landed", state="applied")
    await deps.store.enhancements.insert_missing([*made, landed])
    return target, made


UNPROTECTED = "it is unprotected: 1 of 2 mutants survived: m.py:3: `x` was left out"
KINDS = (
    ("RET505", "shop", UNPROTECTED),
    ("SIM108", "shop", UNPROTECTED),
    ("SIM108", "shop", UNPROTECTED.replace("m.py:3", "m.py:9")),
    ("SIM108", "till", "it lowers coverage: m.py: no test reaches `f` any more"),
)


async def test_they_are_grouped_by_reason_rule_and_component(deps, client):
    target, made = await waiting(deps, *KINDS)
    found = (await client.get("/enhancements/approvals")).json()["groups"]
    named = [(each["reason"], each["rule"], each["component"]) for each in found]
    assert named == [
        ("it is unprotected", "ruff:SIM108", "shop"),
        ("it is unprotected", "ruff:RET505", "shop"),
        ("it lowers coverage", "ruff:SIM108", "till"),
    ]
    assert [each["id"] for each in found[0]["changes"]] == [made[1].id, made[2].id]
    narrow = {"target": target.location, "rule": "SIM108", "component": "till"}
    found = (await client.get("/enhancements/approvals", params=narrow)).json()["groups"]
    assert [[each["id"] for each in group["changes"]] for group in found] == [[made[3].id]]


@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_one_decision_is_about_all_that_are_selected_and_their_present_patches(
    deps, client, decision
):
    target, made = await waiting(deps, *KINDS)
    body = {"target": target.location, "rule": "ruff:SIM108", "component": "shop", "reason": "read"}
    answer = await client.post(f"/enhancements/{decision}", json=body)
    assert answer.status_code == 202
    ids = [made[1].id, made[2].id]
    assert [each["enhancement_id"] for each in answer.json()["items"]] == ids
    said = [each.message for each in deps.bus.published]
    commands = [each for each in said if isinstance(each, DecideEnhancement)]
    assert [(each.enhancement_id, each.decision, each.patch) for each in commands] == [
        (each, decision, SHA) for each in ids
    ]


async def test_where_none_is_selected_the_answer_says_so(deps, client):
    target, _ = await waiting(deps, *KINDS)
    nowhere = await client.post("/enhancements/approve", json={"rule": "E501", "reason": "x"})
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "nothing_selected")
    unknown = {"target": target.location + "x", "reason": "x"}
    assert (await client.post("/enhancements/approve", json=unknown)).status_code == 404
    assert (await client.post("/enhancements/approve", json={"rule": "F401"})).status_code == 422
