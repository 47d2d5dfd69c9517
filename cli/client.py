"""The HTTP API as the commands use it. What the API refuses is raised as its error family."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter

from shared.contracts.answers import (
    BacktestAsked,
    DecisionAccepted,
    RollbackAccepted,
    RollbackAsked,
    Status,
    Stopped,
    WaveOpened,
    WaveShown,
)
from shared.contracts.commands import (
    BacktestTarget,
    Decision,
    DecisionReason,
    RollbackOptions,
    RollbackSince,
    StartWave,
)
from shared.contracts.documents.agents import Agent
from shared.contracts.documents.backtests import Backtest
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.waves import Wave
from shared.contracts.events import EVENT_BY_SUBJECT, Event
from shared.contracts.report import WaveReport
from shared.contracts.story import Story
from shared.kernel.errors import (
    Conflict,
    GroundswellError,
    NotFound,
    Rejected,
    Transient,
)

M = TypeVar("M", bound=BaseModel)
FAMILIES: dict[int, type[GroundswellError]] = {404: NotFound, 409: Conflict, 503: Transient}
TIMEOUT = httpx.Timeout(130.0, connect=2.0)
# An API that was killed is back within seconds; what is asked is safe to be asked again.
PATIENCE = 30.0


class Api:
    """One API. Requests wait for one that is being started again.

    `ours` says that its stack was brought up for this command.
    """

    def __init__(self, url: str, *, ours: bool = False) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=TIMEOUT, trust_env=False)
        self.url = url
        self.ours = ours

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def start_wave(self, command: StartWave) -> WaveOpened:
        """Start a wave; its `wave_id` makes asking twice the same as once."""
        body = command.model_dump(mode="json", exclude_none=True)
        return await self._ask(WaveOpened, "POST", "/waves", json=body)

    async def stop_wave(self, wave: str, reason: str = "") -> Stopped:
        """Stop a wave."""
        body = {"reason": reason}
        return await self._ask(Stopped, "POST", f"/waves/{wave}/stop", json=body)

    async def waves(self, limit: int) -> list[Wave]:
        """The newest waves."""
        answer = await self._send("GET", "/waves", params={"limit": limit})
        return TypeAdapter(list[Wave]).validate_json(answer.content)

    async def wave(self, wave: str) -> WaveShown:
        """A wave and its tasks."""
        return await self._ask(WaveShown, "GET", f"/waves/{wave}")

    async def report(self, wave: str) -> WaveReport:
        """What a wave came to."""
        return await self._ask(WaveReport, "GET", f"/waves/{wave}/report")

    async def enhancements(self, wave: str, state: str, limit: int) -> list[Enhancement]:
        """Enhancements, newest first."""
        params = {"wave": wave, "state": state, "limit": limit}
        answer = await self._send("GET", "/enhancements", params=params)
        return TypeAdapter(list[Enhancement]).validate_json(answer.content)

    async def enhancement(self, enhancement: str) -> Enhancement:
        """One enhancement."""
        return await self._ask(Enhancement, "GET", f"/enhancements/{enhancement}")

    async def story(self, enhancement: str) -> Story:
        """What happened to it, in order."""
        return await self._ask(Story, "GET", f"/enhancements/{enhancement}/story")

    async def diff(self, enhancement: str) -> str:
        """Its patch."""
        return (await self._send("GET", f"/enhancements/{enhancement}/diff")).text

    async def decide(
        self, enhancement: str, decision: Decision, said: DecisionReason
    ) -> DecisionAccepted:
        """Hand over a person's decision."""
        path = f"/enhancements/{enhancement}/{decision}"
        return await self._ask(DecisionAccepted, "POST", path, json=said.model_dump(mode="json"))

    async def roll_back(self, enhancement: str, asked: RollbackOptions) -> RollbackAccepted:
        """Ask for one change to be taken off."""
        path = f"/enhancements/{enhancement}/rollback"
        return await self._ask(RollbackAccepted, "POST", path, json=asked.model_dump(mode="json"))

    async def roll_back_wave(self, wave: str, asked: RollbackOptions) -> RollbackAsked:
        """Ask for all that a wave landed to be taken off."""
        path = f"/waves/{wave}/rollback"
        return await self._ask(RollbackAsked, "POST", path, json=asked.model_dump(mode="json"))

    async def roll_back_since(self, asked: RollbackSince) -> RollbackAsked:
        """Ask for all that landed since a time to be taken off."""
        path = "/enhancements/rollback"
        return await self._ask(RollbackAsked, "POST", path, json=asked.model_dump(mode="json"))

    async def ask_backtest(self, command: BacktestTarget) -> BacktestAsked:
        """Ask for a backtest; its `backtest_id` makes asking twice the same as once."""
        body = command.model_dump(mode="json", exclude_none=True)
        return await self._ask(BacktestAsked, "POST", "/backtests", json=body)

    async def backtest(self, backtest: str) -> Backtest:
        """A backtest, as far as it is."""
        return await self._ask(Backtest, "GET", f"/backtests/{backtest}")

    async def backtests(self, limit: int) -> list[Backtest]:
        """The newest backtests."""
        answer = await self._send("GET", "/backtests", params={"limit": limit})
        return TypeAdapter(list[Backtest]).validate_json(answer.content)

    async def stop_backtest(self, backtest: str) -> None:
        """Ask for a backtest to be left as it is."""
        await self._ask(BacktestAsked, "POST", f"/backtests/{backtest}/stop")

    async def agents(self, *, active: bool) -> list[Agent]:
        """The agents."""
        answer = await self._send("GET", "/agents", params={"active": active})
        return TypeAdapter(list[Agent]).validate_json(answer.content)

    async def status(self) -> Status:
        """What is going on."""
        return await self._ask(Status, "GET", "/status")

    async def events(self, *, after: int, wave: str = "") -> AsyncIterator[Event]:
        """Every event after `after`, without end, also over broken connections."""
        silent_since: float | None = None
        loop = asyncio.get_running_loop()
        while True:
            try:
                async for sequence, event in self._stream(after, wave):
                    silent_since, after = None, sequence
                    if event is not None:
                        yield event
            except httpx.HTTPError as error:
                silent_since = silent_since or loop.time()
                if loop.time() - silent_since > PATIENCE:
                    raise Transient("The API does not answer any more.") from error
            await asyncio.sleep(0.2)

    async def _stream(self, after: int, wave: str) -> AsyncIterator[tuple[int, Event | None]]:
        params: dict[str, str | int] = {"after": after, "wave": wave}
        timeout = httpx.Timeout(30.0, connect=2.0)
        async with self._client.stream("GET", "/events", params=params, timeout=timeout) as answer:
            answer.raise_for_status()
            sequence = after
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    sequence = int(value)
                elif name == "data":
                    yield sequence, _event(json.loads(value))

    async def _ask(self, model: type[M], method: str, path: str, **options: Any) -> M:
        answer = await self._send(method, path, **options)
        return model.model_validate_json(answer.content)

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while True:
            try:
                answer = await self._client.request(method, path, **options)
                break
            except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError) as error:
                if loop.time() > deadline:
                    raise Transient(
                        f"No API answers at {self.url}.", hint="Is the stack up? groundswell up"
                    ) from error
                await asyncio.sleep(0.2)
        if answer.is_error:
            raise _problem(answer)
        return answer


def _event(data: dict[str, Any]) -> Event | None:
    """The event; None for a kind that this version does not know."""
    kind = EVENT_BY_SUBJECT.get(str(data.get("type")))
    return kind.model_validate(data) if kind else None


def _problem(answer: httpx.Response) -> GroundswellError:
    """A problem document as the error it came from."""
    try:
        body = answer.json()
    except ValueError:
        return GroundswellError(f"The API answered {answer.status_code}: {answer.text[:200]}")
    family = FAMILIES.get(answer.status_code)
    if family is None:
        family = Rejected if answer.is_client_error else GroundswellError
    error = family(str(body.get("detail")), hint=str(body.get("hint", "")))
    error.code = str(body.get("code", error.code))
    return error
