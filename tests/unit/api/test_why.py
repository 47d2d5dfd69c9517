"""Why a task was taken up, over HTTP."""

import httpx

from services.api.main import make_app
from services.api.ports import ApiDeps
from services.api.settings import ApiSettings
from shared.contracts.documents.choices import WaveChoices
from shared.contracts.http import API_PREFIX
from shared.contracts.views import TaskReason
from shared.kernel.ids import uuid7
from tests.support.builders import NOW, a_candidate, a_task
from tests.support.buses import RecordingBus
from tests.support.memory import a_store

KEY = "the key of this home"


async def test_the_reason_of_a_task_has_its_candidate_apart_from_the_others():
    store, task = a_store(), a_task(agent_type="code_quality", component="m")
    mine, other = a_candidate(component="m", turn=1), a_candidate(component="n")
    await store.tasks.insert(task)
    await store.choices.insert(
        WaveChoices(
            id=task.wave_id, target_id=task.target_id, candidates=(other, mine), left_out=3, at=NOW
        )
    )
    bus = RecordingBus(answers={})
    deps = ApiDeps(store=store, bus=bus, ping_database=None, clock=lambda: NOW, new_id=uuid7)
    transport = httpx.ASGITransport(
        make_app(deps, key=KEY, hosts=ApiSettings(api_key=KEY).api_hosts)
    )
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8000", headers=headers
    ) as client:
        answer = await client.get(f"{API_PREFIX}/tasks/{task.id}/why")
        missing = await client.get(f"{API_PREFIX}/tasks/{uuid7()}/why")
    reason = TaskReason.model_validate_json(answer.content)
    assert (reason.chosen, reason.others, reason.left_out) == (mine, (other,), 3)
    assert missing.status_code == 404
