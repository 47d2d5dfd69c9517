"""What is shown for review is written down first, and carried out until the forge has answered."""

from dataclasses import dataclass, field

import pytest

from services.validator.review import usecases as pull_requests
from shared.contracts.events import PullRequestOpened, PullRequestRefused
from shared.kernel.errors import Conflict, Rejected, Transient
from tests.support.builders import a_target, a_task, an_enhancement
from tests.support.stores import a_real_store
from tests.support.validator_deps import a_validator

TARGET = a_target()


@dataclass
class FakeRepository:
    """Commits are single letters: each stands on the one before it in the alphabet."""

    config: bytes | None = b'[landing]\nmode = "pull_request"\n'

    def base_file(self, target, path):
        return self.config

    def parent(self, commit):
        return chr(ord(commit[0]) - 1) * 40


@dataclass
class FakeRemote:
    url: str = "https://code.example/acme/shop.git"
    there: dict[str, str] = field(default_factory=lambda: {"main": "0" * 40})
    trouble: Exception | None = None
    in_base: set[str] = field(default_factory=set)

    def branches(self):
        return dict(self.there)

    def push(self, branch, commit, seen):
        if self.trouble:
            raise self.trouble
        assert self.there.get(branch) == seen
        self.there[branch] = commit

    def merged(self, commit):
        return commit in self.in_base


@dataclass
class FakeForge:
    trouble: Exception | None = None
    asked: list = field(default_factory=list)

    async def open(self, request):
        self.asked.append(request)
        if self.trouble:
            raise self.trouble
        return f"https://forge.example/{request.branch}"


@pytest.fixture
def repository():
    return FakeRepository()


@pytest.fixture
def remote():
    return FakeRemote()


@pytest.fixture
def forge():
    return FakeForge()


@pytest.fixture
async def make(mongo_url, tmp_path, repository, remote, forge):
    async with a_real_store(mongo_url) as store:
        await store.targets.insert(TARGET)

        def made(forge=forge):
            return a_validator(
                store,
                tmp_path,
                repository=lambda target: repository,
                remote=lambda target, name: remote,
                forge=forge,
            )

        yield made


@pytest.fixture
def deps(make):
    return make()


async def landed(deps, *commits, task=None):
    task = task or a_task(target_id=TARGET.id)
    changes = [
        an_enhancement(
            task, key=f"k{each}", order=n, state="validated", commit=each * 40, title=f"fix: {each}"
        )
        for n, each in enumerate(commits)
    ]
    await deps.store.enhancements.insert_missing(changes)
    return changes


async def requests(deps):
    return await deps.store.pull_requests.find()


async def test_one_for_the_wave_with_all_of_it(deps, forge, remote):
    changes = await landed(deps, "a", "b")
    await pull_requests.show_landed(TARGET, changes, deps)
    [shown] = await requests(deps)
    assert (shown.state, shown.commit, shown.base_branch) == ("open", "b" * 40, "main")
    assert remote.there[shown.branch] == "b" * 40
    assert forge.asked[0].title.startswith("chore: 2 enhancements")
    assert "fix: a" in forge.asked[0].body
    [said] = deps.bus.of(PullRequestOpened)
    assert (said.branch, said.url) == (shown.branch, shown.url)


async def test_what_lands_later_in_the_wave_goes_on_the_same_branch(deps, forge):
    first = await landed(deps, "a")
    await pull_requests.show_landed(TARGET, first, deps)
    task = await deps.store.tasks.get(first[0].task_id) or a_task(
        id=first[0].task_id, wave_id=first[0].wave_id, target_id=TARGET.id
    )
    later = await landed(deps, "b", task=task)
    await pull_requests.show_landed(TARGET, later, deps)
    [shown] = await requests(deps)
    assert shown.commit == "b" * 40
    assert len(shown.enhancements) == 2
    assert forge.asked[0].title == "fix: a"
    assert "2 enhancements" in forge.asked[1].title
    assert len(deps.bus.of(PullRequestOpened)) == 2


@pytest.mark.parametrize("config", [None, b"", b'[landing]\nmode = "direct"\n', b"broken ="])
async def test_nothing_is_shown_where_the_base_does_not_ask_for_it(deps, repository, config):
    repository.config = config
    await pull_requests.show_landed(TARGET, await landed(deps, "a"), deps)
    assert await requests(deps) == []


EACH = b'[landing]\nmode = "pull_request"\nper = "enhancement"\n'


async def test_each_stands_on_the_one_below_until_that_is_merged(deps, repository, remote, forge):
    repository.config = EACH
    for each in "ab":
        await pull_requests.show_landed(TARGET, await landed(deps, each), deps)
    one, two = await requests(deps)
    assert [each.base for each in forge.asked] == ["main", one.branch]
    remote.in_base.add("b" * 40)
    await pull_requests.show_landed(TARGET, await landed(deps, "c"), deps)
    assert forge.asked[-1].base == "main"
    assert two.base_branch == one.branch


async def test_a_branch_below_that_is_gone_is_not_merged_into(deps, repository, remote, forge):
    repository.config = EACH
    await pull_requests.show_landed(TARGET, await landed(deps, "a"), deps)
    [one] = await requests(deps)
    del remote.there[one.branch]
    await pull_requests.show_landed(TARGET, await landed(deps, "b"), deps)
    assert forge.asked[-1].base == "main"


async def test_a_forge_that_is_away_is_asked_again(deps, forge):
    forge.trouble = Transient("It does not answer.")
    await pull_requests.show_landed(TARGET, await landed(deps, "a"), deps)
    [shown] = await requests(deps)
    assert (shown.state, shown.url) == ("wanted", "")
    assert "It does not answer. It will be tried again." in shown.reason
    await pull_requests.deliver_pending(deps)
    forge.trouble = None
    await pull_requests.deliver_pending(deps)
    [shown] = await requests(deps)
    assert (shown.state, shown.reason) == ("open", "")
    assert len(forge.asked) == 3
    await pull_requests.deliver_pending(deps)
    assert len(forge.asked) == 3


@pytest.mark.parametrize("where", ["forge", "remote"])
async def test_a_refusal_is_said_once_and_tried_again_by_the_next_process(
    make, forge, remote, where
):
    deps = make()
    broken = forge if where == "forge" else remote
    broken.trouble = Rejected("No.", hint="Do that.") if where == "forge" else Conflict("Theirs.")
    await pull_requests.show_landed(TARGET, await landed(deps, "a"), deps)
    [shown] = await requests(deps)
    assert shown.state == "refused"
    assert shown.reason in {"No. Do that.", "Theirs."}
    [said] = deps.bus.of(PullRequestRefused)
    assert said.reason == shown.reason
    broken.trouble = None
    await pull_requests.deliver_pending(deps)
    assert (await requests(deps))[0].state == "refused"
    await pull_requests.deliver_pending(make())
    assert (await requests(deps))[0].state == "open"


async def test_a_base_that_is_not_on_the_remote_is_said(deps, remote):
    remote.there.clear()
    await pull_requests.show_landed(TARGET, await landed(deps, "a"), deps)
    [shown] = await requests(deps)
    assert "no branch main" in shown.reason
    assert remote.there == {}


async def test_without_a_token_the_branch_is_pushed(make, remote):
    deps = make(forge=None)
    await pull_requests.show_landed(TARGET, await landed(deps, "a"), deps)
    [shown] = await requests(deps)
    assert (shown.state, remote.there[shown.branch]) == ("pushed", "a" * 40)
    assert "GROUNDSWELL_FORGE_TOKEN" in shown.reason


async def test_a_rollback_goes_on_the_branch_that_the_head_is_on(deps, remote, forge):
    one, two = await landed(deps, "a", "b")
    await pull_requests.show_landed(TARGET, [one, two], deps)
    reverts = pull_requests.BranchReverts(two.id, "b" * 40, "c" * 40, [two.id])
    await pull_requests.show_rolled_back(TARGET, reverts, deps)
    [shown] = await requests(deps)
    assert (shown.commit, shown.rolled_back, shown.state) == ("c" * 40, (two.id,), "open")
    assert remote.there[shown.branch] == "c" * 40
    assert forge.asked[-1].title == "fix: a"
    assert "Rolled back, by" in forge.asked[-1].body


@pytest.mark.parametrize("why", ["merged", "another head"])
async def test_a_rollback_of_what_people_have_merged_is_one_of_its_own(deps, remote, forge, why):
    [one] = await landed(deps, "a")
    await pull_requests.show_landed(TARGET, [one], deps)
    if why == "merged":
        remote.in_base.add("a" * 40)
    head = "a" * 40 if why == "merged" else "f" * 40
    reverts = pull_requests.BranchReverts(one.id, head, "c" * 40, [one.id])
    await pull_requests.show_rolled_back(TARGET, reverts, deps)
    shown, undo = await requests(deps)
    assert shown.commit == "a" * 40
    assert undo.commit == "c" * 40
    assert undo.branch != shown.branch
    assert forge.asked[-1].title == "revert: fix: a"
