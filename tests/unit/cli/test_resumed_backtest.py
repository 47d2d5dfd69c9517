"""Which backtest a repeated command resumes: the same commits of the same branch."""

from dataclasses import dataclass

import pytest

from cli.backtest import _running_backtest
from services.api.domain.views import backtest_view
from shared.contracts.commands import BacktestTarget
from tests.support.builders import a_backtest


@dataclass
class Client:
    known: list
    ours: bool = True

    async def backtests(self, limit):
        return [backtest_view(each) for each in self.known[:limit]]


async def resumed(stored, base="main", base_branch="main", **fields):
    command = BacktestTarget(**{"target": "/nowhere", "since": "v1", "base": base, **fields})
    return await _running_backtest(command, base_branch, Client([stored])) is not None


async def test_the_same_command_resumes_its_backtest():
    assert await resumed(a_backtest())


@pytest.mark.parametrize("fields", [{"since": "v2"}, {"limit": 9}, {"target": "/elsewhere"}])
async def test_another_range_or_repository_is_another_backtest(fields):
    assert not await resumed(a_backtest(), **fields)


async def test_another_branch_is_another_backtest():
    assert not await resumed(a_backtest(), base="next", base_branch="next")
    assert not await resumed(a_backtest(base_branch="next"))


@pytest.mark.parametrize("stored", ["", "1a2b3c4d5e"])
async def test_a_backtest_of_a_detached_head_is_resumed_whether_it_has_begun_or_not(stored):
    stored = a_backtest(base_branch=stored)
    assert await resumed(stored, base=None, base_branch="1a2b3c4d5e")


async def test_nothing_is_resumed_on_a_stack_of_others():
    command = BacktestTarget(target="/nowhere", since="v1", base="main")
    assert await _running_backtest(command, "main", Client([a_backtest()], ours=False)) is None
