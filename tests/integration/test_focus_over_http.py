"""A wave's focus from the HTTP request to its tasks and its report, over API and coordinator."""

import httpx
import pytest

from services.api.main import make_app
from services.api.ports import ApiDeps
from services.coordinator.usecases import CoordinatorDeps, advance, start, start_wave
from shared.contracts.answers import Acknowledgement
from shared.contracts.commands import AcquireLease, LeaseGrant, ReleaseLease, StartWave
from shared.contracts.documents.findings import FindingSet
from shared.contracts.http import API_PREFIX
from shared.kernel.ids import uuid7
from tests.support.builders import NOW, a_finding
from tests.support.buses import RecordingBus
from tests.support.memory import a_store
from tests.support.repositories import a_repository
from tests.support.stores import Watch

KEY = "k" * 32


class CoordinatorBus(RecordingBus):
    """Has requests to start a wave answered by the coordinator itself."""

    coordinator = None

    async def request(self, message, answer, *, timeout=5.0):
        if isinstance(message, StartWave):
            return await start_wave(message, self.coordinator, channel="rpc")
        return await super().request(message, answer, timeout=timeout)


@pytest.fixture
def coordinator(tmp_path, monkeypatch):
    monkeypatch.setattr(start, "agent_type_names", lambda: ("code_quality", "security"))
    grants = {
        AcquireLease: LeaseGrant(granted=True, epoch=1),
        ReleaseLease: Acknowledgement(),
    }
    bus = CoordinatorBus(answers=grants)
    bus.coordinator = CoordinatorDeps(
        store=a_store(), bus=bus, home=tmp_path / "home", clock=Watch(), new_id=uuid7
    )
    return bus.coordinator


@pytest.fixture
async def client(coordinator):
    async def ping():
        return None

    deps = ApiDeps(
        store=coordinator.store,
        bus=coordinator.bus,
        ping_database=ping,
        clock=lambda: NOW,
        new_id=uuid7,
    )
    transport = httpx.ASGITransport(make_app(deps, key=KEY, hosts=["127.0.0.1"]))
    async with httpx.AsyncClient(
        transport=transport,
        base_url=f"http://127.0.0.1:8000{API_PREFIX}",
        headers={"Authorization": f"Bearer {KEY}"},
    ) as made:
        yield made


@pytest.fixture
def place(tmp_path):
    return a_repository(tmp_path / "target", a_py="a = 1\n", b_py="b = 1\n")


@pytest.mark.parametrize(
    ("focus", "expected"),
    [
        ("security", {("security", "b")}),
        ("code_quality", {("code_quality", "a")}),
        ("all", {("security", "b"), ("code_quality", "a")}),
    ],
)
async def test_a_wave_has_tasks_of_its_focus_alone(client, coordinator, place, focus, expected):
    body = {"target": str(place), "focus": focus}
    accepted = (await client.post("/waves", json=body)).json()
    found = FindingSet(
        id=f"{accepted['target_id']}:{accepted['commit']}:both",
        target_id=accepted["target_id"],
        commit=accepted["commit"],
        detectors="both",
        findings=[
            a_finding(component="a", path="a.py"),
            a_finding(component="b", path="b.py", agent_type="security"),
        ],
        seconds=0,
        measured_at=NOW,
    )
    await coordinator.store.findings.insert(found)
    await advance(accepted["wave_id"], coordinator)
    wave = accepted["wave_id"]
    tasks = (await client.get("/tasks", params={"wave": wave})).json()["items"]
    assert {(each["agent_type"], each["component"]) for each in tasks} == expected
    assert (await client.get(f"/waves/{wave}")).json()["wave"]["focus"] == focus
    report = (await client.get(f"/waves/{wave}/report")).json()
    assert (report["focus"], report["tasks"]) == (focus, len(expected))


async def test_a_focus_that_is_not_registered_is_a_problem_that_names_the_nearest(client, place):
    answer = await client.post("/waves", json={"target": str(place), "focus": "securty"})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "unknown_focus"
    assert "Did you mean security?" in problem["detail"]
    assert not (await client.get("/waves")).json()["items"]
