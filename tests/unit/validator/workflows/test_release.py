"""Landed workflows in n8n: published by version, never over edits of people, and taken back."""

import json
from dataclasses import replace
from types import SimpleNamespace

import httpx
import pytest

from services.validator.workflows.adapters.rest import RestWorkflowServer
from services.validator.workflows.usecases.release import (
    EDITED,
    NO_ID,
    UNKNOWN,
    release_pending,
    request_releases,
    undo_releases,
)
from shared.contracts.states import ReleaseState
from tests.support.builders import a_target, an_enhancement
from tests.support.memory import a_store
from tests.support.n8n import KEY, URL, FakeN8n
from tests.support.validator_deps import a_validator
from tests.support.workflows import START, fields, flow, node
from tests.unit.validator.workflows.test_server_port import PREFIX, real_server

PATH = "flows/orders.json"


def text(total, identity="flow1", settings=None):
    summed = node("Sum", "set", 3.4, parameters=fields(total=total))
    return flow(START, summed, identity=identity, settings=settings)


def oid(number):
    return f"{number:040x}"


class House:
    """A target whose commits 1, 2, … have one file each, and an n8n with its first version."""

    def __init__(self, home, *texts, apply="publish", published=True):
        self.n8n, self.texts = FakeN8n(), list(texts)
        content = json.loads(texts[0])
        content["settings"]["timeSavedMode"] = "fixed"
        keys = ("nodes", "connections", "settings")
        self.live = self.n8n.add("Orders", {k: content[k] for k in keys})
        self.first = self.live["versionId"]
        self.live["activeVersionId"] = self.first if published else None
        self.config = f'[n8n]\napply = "{apply}"\n'
        self.target = a_target()
        self.deps = a_validator(
            a_store(),
            home,
            repository=lambda _: self,
            workflow_server=RestWorkflowServer(URL, KEY, transport=self.n8n.transport),
        )

    def versions(self, commits, paths):
        found = tuple(self.texts[int(each, 16)].encode() for each in commits)
        return dict.fromkeys(paths, found)

    def parent(self, commit):
        return oid(int(commit, 16) - 1)

    def base_file(self, _, __):
        return self.config.encode()

    async def land(self, number):
        await self.deps.store.targets.insert(self.target)
        change = an_enhancement(files=(PATH,), target_id=self.target.id, commit=oid(number))
        await request_releases(self.target, [change], self.deps)
        return change

    async def roll_back(self, change, number):
        await undo_releases(change, oid(number), self.deps)

    async def releases(self):
        return await self.deps.store.releases.find()

    def total(self, version="activeVersionId"):
        nodes = self.n8n.versions[self.live[version]]["nodes"]
        return nodes[1]["parameters"]["assignments"]["assignments"][0]["value"]

    def asked(self):
        changing = [each for each in self.n8n.asked if each.method != "GET"]
        return [(each.method, each.url.query.decode()) for each in changing]


async def test_a_landed_workflow_is_saved_as_a_draft_and_published_by_its_version(tmp_path):
    house = House(tmp_path, text("1"), text("2"))
    await house.land(1)
    [release] = await house.releases()
    assert house.asked() == [("PUT", "publishIfActive=false"), ("POST", "")]
    assert release.state is ReleaseState.PUBLISHED
    assert (release.before, release.release) == (house.first, house.live["versionId"])
    assert house.total() == "2"
    assert release.words == "flows/orders.json (workflow flow1) is published in n8n"


async def test_a_landing_that_is_finished_again_releases_nothing_twice(tmp_path):
    house = House(tmp_path, text("1"), text("2"))
    change = await house.land(1)
    asked = house.asked()
    await request_releases(house.target, [change], house.deps)
    await release_pending(house.deps)
    assert house.asked() == asked
    assert len(await house.releases()) == 1


async def test_it_is_rolled_back_by_publishing_the_version_before(tmp_path):
    house = House(tmp_path, text("1"), text("2"), text("1"))
    change = await house.land(1)
    await house.roll_back(change, 2)
    [release] = await house.releases()
    assert release.state is ReleaseState.UNDONE
    assert house.live["activeVersionId"] == house.first
    assert house.total("versionId") == "1"


async def test_of_two_changes_of_one_workflow_each_can_be_rolled_back(tmp_path):
    house = House(tmp_path, text("1"), text("2"), text("3"), text("1.5"))
    first, _ = await house.land(1), await house.land(2)
    assert house.total() == "3"
    await house.roll_back(first, 3)
    assert house.total() == "1.5"
    assert {each.state for each in await house.releases()} == {
        ReleaseState.UNDONE,
        ReleaseState.PUBLISHED,
    }


async def test_what_people_edited_in_n8n_is_never_overwritten(tmp_path):
    house = House(tmp_path, text("1"), text("2"))
    house.live["nodes"][1]["name"] = "Edited"
    await house.land(1)
    [release] = await house.releases()
    assert (release.state, release.reason) == (ReleaseState.REFUSED, EDITED)
    assert house.asked() == []


async def test_a_setting_that_somebody_changed_counts_as_an_edit(tmp_path):
    house = House(tmp_path, text("1"), text("2"))
    house.live["settings"]["executionOrder"] = "v0"
    await house.land(1)
    assert [each.reason for each in await house.releases()] == [EDITED]


async def test_a_draft_edited_since_stays_when_the_version_before_is_published_again(tmp_path):
    house = House(tmp_path, text("1"), text("2"), text("1"))
    change = await house.land(1)
    house.live["nodes"][1]["name"] = "Edited"
    await house.roll_back(change, 2)
    [release] = await house.releases()
    assert house.live["activeVersionId"] == house.first
    assert house.live["nodes"][1]["name"] == "Edited"
    assert (release.state, release.reason) == (ReleaseState.UNDONE, f"its draft stays: {EDITED}")


async def test_a_new_setting_is_saved_and_taken_away_again(tmp_path):
    told = {"executionOrder": "v1", "errorWorkflow": "abc"}
    house = House(tmp_path, text("1"), text("1", settings=told), text("1"))
    change = await house.land(1)
    assert house.live["settings"]["errorWorkflow"] == "abc"
    await house.roll_back(change, 2)
    assert house.live["settings"]["errorWorkflow"] == ""
    assert house.live["settings"]["timeSavedMode"] == "fixed"


async def test_a_setting_that_cannot_be_taken_away_is_said(tmp_path):
    told = {"executionOrder": "v1", "callerPolicy": "any"}
    house = House(tmp_path, text("1", settings=told), text("2"))
    await house.land(1)
    [release] = await house.releases()
    assert release.state is ReleaseState.REFUSED
    assert release.reason == "n8n's API cannot take the setting 'callerPolicy' away"


@pytest.mark.parametrize(("apply", "published"), [("draft", True), ("publish", False)])
async def test_only_what_is_published_is_published_and_only_if_asked_for(
    tmp_path, apply, published
):
    house = House(tmp_path, text("1"), text("2"), text("1"), apply=apply, published=published)
    before = house.live["activeVersionId"]
    change = await house.land(1)
    assert house.live["activeVersionId"] == before
    assert house.total("versionId") == "2"
    assert [each.state for each in await house.releases()] == [ReleaseState.DRAFT]
    await house.roll_back(change, 2)
    assert house.live["activeVersionId"] == before
    assert house.total("versionId") == "1"


async def test_without_being_asked_for_nothing_is_put_into_n8n(tmp_path):
    house = House(tmp_path, text("1"), text("2"), apply="no")
    await house.land(1)
    house.config = "[n8n]\nunheard = 1\n"
    await house.land(1)
    assert await house.releases() == []
    assert house.n8n.asked == []


@pytest.mark.parametrize(
    ("identity", "reason"), [("", NO_ID), ("../x", UNKNOWN), ("flow77", UNKNOWN)]
)
async def test_a_workflow_that_n8n_does_not_have_is_refused(tmp_path, identity, reason):
    house = House(tmp_path, text("1", identity), text("2", identity))
    await house.land(1)
    [release] = await house.releases()
    assert (release.state, release.reason) == (ReleaseState.REFUSED, reason)
    assert house.asked() == []


@pytest.mark.parametrize("failing", [0, 1, 2], ids=["found", "saved", "published"])
async def test_an_n8n_that_is_down_is_asked_again_and_nothing_is_done_twice(tmp_path, failing):
    house = House(tmp_path, text("1"), text("2"))
    answer, count = house.n8n.answer, iter(range(100))

    def fail_once(request):
        # What was asked for is done, and its answer is lost.
        said = answer(request)
        return httpx.Response(503) if next(count) == failing else said

    house.n8n.answer = fail_once
    await house.land(1)
    assert [each.state for each in await house.releases()] == [ReleaseState.WANTED]
    await release_pending(house.deps)
    [release] = await house.releases()
    assert release.state is ReleaseState.PUBLISHED
    assert (release.before, release.release) == (house.first, house.live["activeVersionId"])
    assert [each[0] for each in house.asked()].count("PUT") == 1


async def test_what_was_not_saved_yet_is_nothing_to_take_back(tmp_path):
    house = House(tmp_path, text("1"), text("2"), text("1"))
    house.n8n.first = [httpx.Response(503)]
    change = await house.land(1)
    await house.roll_back(change, 2)
    assert [each.state for each in await house.releases()] == [ReleaseState.UNDONE]
    assert house.total("versionId") == "1"


async def test_nothing_is_asked_without_an_n8n(tmp_path):
    house = House(tmp_path, text("1"), text("2"))
    house.deps = a_validator(a_store(), tmp_path, repository=SimpleNamespace())
    await house.land(1)
    assert await house.releases() == []


@pytest.mark.n8n
async def test_a_real_n8n_publishes_a_landed_workflow_and_the_version_before(tmp_path):
    server = real_server()
    draft = json.loads(text("1", ""))
    content = {key: draft[key] for key in ("nodes", "connections", "settings")}
    hook = {"httpMethod": "POST", "path": f"groundswell-test-{oid(7)}"}
    content["nodes"][0] = node("Start", "webhook", 2, parameters=hook, webhookId=oid(7))
    made = await server.create(f"{PREFIX}release", content)
    try:
        await server.publish(made.id, made.version)
        texts = [json.loads(text(each, made.id)) for each in ("1", "2", "1")]
        for each in texts:
            each["nodes"][0] = content["nodes"][0]
        house = House(tmp_path, *map(json.dumps, texts))
        house.deps = replace(house.deps, workflow_server=server)
        change = await house.land(1)
        found = await server.get(made.id)
        assert [each.state for each in await house.releases()] == [ReleaseState.PUBLISHED]
        assert found.published == found.version != made.version
        await house.roll_back(change, 2)
        found = await server.get(made.id)
        assert [each.state for each in await house.releases()] == [ReleaseState.UNDONE]
        assert found.published == made.version
        assert found.content["nodes"] == made.content["nodes"]
    finally:
        await server.delete(made.id)
