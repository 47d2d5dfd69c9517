"""Environments that are built for real, without a network."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from shared.environments.build import UvEnvironments
from shared.kernel.ids import uuid7
from shared.sandbox.scratch import Scratch
from shared.sandbox.supervised import SupervisedSandbox
from tests.support.sandboxes import a_home, a_sandbox, the_best
from tests.support.trees import FakeTree
from tests.support.wheels import a_wheel


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")  # pip need not be asked, which takes half a second


@pytest.fixture
def home() -> Iterator[Path]:
    with a_home() as home:
        yield home


@pytest.fixture
async def sandbox(home: Path) -> AsyncIterator[SupervisedSandbox]:
    async with a_sandbox(the_best()) as sandbox:
        yield sandbox


@pytest.fixture
async def build(
    home: Path, sandbox: SupervisedSandbox, no_network: None
) -> AsyncIterator[Callable[..., UvEnvironments]]:
    scratch = Scratch(home / "work", uuid7)

    def build(**content: str) -> UvEnvironments:
        return UvEnvironments(home, sandbox, scratch, lambda *_: FakeTree(content))

    yield build
    scratch.close()
    left = [each for each in (home / "work").glob("*") if each.name != ".lock"]
    assert left == [], "something was left behind"


@pytest.fixture
def wheels(home: Path, monkeypatch: pytest.MonkeyPatch, no_network: None) -> Path:
    """Two versions of a package in a folder, and no registry beside that."""
    folder = home / "wheels"
    folder.mkdir()
    for version in ("1.0", "2.0"):
        a_wheel(folder, version)
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    return folder
