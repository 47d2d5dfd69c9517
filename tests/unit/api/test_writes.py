"""Requests that change something: recorded with their key, and executed once for each."""

from datetime import timedelta

import pytest

from services.api.routes.writes import MAX_KEY_CHARS
from services.api.usecases.idempotency import CLAIM
from shared.contracts.commands import BacktestTarget
from tests.support.builders import NOW
from tests.unit.api.test_access import HERE, LOCAL, client_of, deps, made_key

__all__ = ["deps"]
BACKTEST = {"target": "/srv/shop", "since": "v1"}


class Killed(BaseException):
    """The process ends at this place."""


def keyed(key="one"):
    return {"idempotency-key": key}


class TestIdempotency:
    async def test_the_same_request_again_is_given_the_same_answer_and_does_nothing(self, deps):
        async with client_of(deps, LOCAL) as client:
            first = await client.post("/backtests", json=BACKTEST, headers=keyed())
            again = await client.post("/backtests", json=BACKTEST, headers=keyed())
        assert (first.status_code, again.status_code) == (202, 202)
        assert again.content == first.content
        assert again.headers["location"] == first.headers["location"]
        assert again.headers["idempotent-replayed"] == "true"
        assert len(deps.bus.published) == 1

    async def test_other_keys_paths_and_callers_are_other_requests(self, deps):
        made = await made_key(deps, "run")
        async with client_of(deps, LOCAL) as client, client_of(deps, made["secret"]) as other:
            answers = [
                await client.post("/backtests", json=BACKTEST, headers=keyed()),
                await client.post("/backtests", json=BACKTEST, headers=keyed("two")),
                await client.post("/backtests", json=BACKTEST),
                await other.post("/backtests", json=BACKTEST, headers=keyed()),
            ]
        assert len({each.json()["backtest_id"] for each in answers}) == len(answers)

    @pytest.mark.parametrize("changed", [{"json": {**BACKTEST, "since": "v2"}}, {"params": "x=1"}])
    async def test_a_key_that_was_used_for_another_request_is_refused(self, deps, changed):
        async with client_of(deps, LOCAL) as client:
            await client.post("/backtests", json=BACKTEST, headers=keyed())
            sent = {"json": BACKTEST, "headers": keyed(), **changed}
            refused = await client.post("/backtests", **sent)
        assert (refused.status_code, refused.json()["code"]) == (422, "key_reused")

    async def test_a_process_killed_before_its_answer_starts_nothing_twice(self, deps, monkeypatch):
        publish = deps.bus.publish

        async def killed(*args, **options):
            await publish(*args, **options)
            raise Killed

        async with client_of(deps, LOCAL) as client:
            monkeypatch.setattr(deps.bus, "publish", killed)
            with pytest.raises(Killed):
                await client.post("/backtests", json=BACKTEST, headers=keyed())
            monkeypatch.undo()
            early = await client.post("/backtests", json=BACKTEST, headers=keyed())
        assert (early.status_code, early.json()["code"]) == (409, "in_progress")
        assert int(early.headers["retry-after"]) == CLAIM.total_seconds()
        deps = type(deps)(**{**vars(deps), "clock": lambda: NOW + CLAIM + timedelta(seconds=1)})
        async with client_of(deps, LOCAL) as client:
            again = await client.post("/backtests", json=BACKTEST, headers=keyed())
        assert again.status_code == 202
        assert len(set(deps.bus.identities())) == 1
        ids = {each.backtest_id for each in deps.bus.of(BacktestTarget)}
        assert ids == {again.json()["backtest_id"]}

    async def test_a_request_that_failed_may_be_sent_again_at_once(self, deps):
        async with client_of(deps, LOCAL) as client:
            answered = deps.bus.answers
            deps.bus.answers = {}
            away = await client.post("/waves", json={}, headers=keyed())
            deps.bus.answers = answered
            there = await client.post("/waves", json={}, headers=keyed())
        assert (away.status_code, there.status_code) == (503, 202)
        assert len({each.wave_id for each in deps.bus.asked}) == 1

    @pytest.mark.parametrize(
        ("path", "body"),
        [("/keys", {"name": "ci", "scopes": ["run"]}), ("/webhooks/senders", {"kind": "github"})],
    )
    async def test_an_answer_with_a_secret_is_not_stored(self, deps, path, body):
        async with client_of(deps, LOCAL) as client:
            made = await client.post(path, json=body, headers=keyed())
            again = await client.post(path, json=body, headers=keyed())
        assert made.status_code == 201
        assert (again.status_code, again.json()["code"]) == (409, "answer_not_kept")
        [stored] = await deps.store.idempotency.find()
        assert made.json()["secret"].encode() not in stored.body
        assert await deps.store.api_keys.count() + await deps.store.webhooks.count() == 1

    @pytest.mark.parametrize("key", ["", "x" * (MAX_KEY_CHARS + 1)])
    async def test_a_key_of_no_use_is_refused(self, deps, key):
        async with client_of(deps, LOCAL) as client:
            answer = await client.post("/backtests", json=BACKTEST, headers=keyed(key))
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_key")


class TestAudit:
    async def test_every_write_is_recorded_with_its_key_its_address_and_its_outcome(self, deps):
        made = await made_key(deps, "read")
        async with client_of(deps, made["secret"]) as client:
            await client.get("/waves")
            await client.post("/backtests", json=BACKTEST)
            await client.delete(f"/keys/{made['key']['id']}")
        mine = await deps.store.audit.find(key_id=made["key"]["id"])
        assert [(each.action, each.status) for each in mine] == [
            ("POST /api/v1/backtests", 403),
            (f"DELETE /api/v1/keys/{made['key']['id']}", 403),
        ]
        assert {(each.key_name, each.address) for each in mine} == {("a key", "127.0.0.1")}

    async def test_a_command_names_the_key_that_gave_it(self, deps):
        made = await made_key(deps, "run")
        async with client_of(deps, made["secret"]) as client:
            await client.post("/backtests", json=BACKTEST)
        [command] = await deps.store.audit.find(action="target.backtest")
        assert command.key_id == made["key"]["id"]

    async def test_what_has_no_valid_key_leaves_no_record(self, deps):
        async with client_of(deps, "wrong") as client:
            assert (await client.post(f"{HERE}/api/v1/waves", json={})).status_code == 401
        assert await deps.store.audit.count() == 0
