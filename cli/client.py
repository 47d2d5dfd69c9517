"""A client of the HTTP API. Problems that the API answers with are raised as their error family."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import httpx
import stamina
from httpx_sse import EventSource, aconnect_sse
from pydantic import BaseModel

from cli.key_requests import KeyRequests
from cli.responses import decode_event, error_of
from cli.webhook_requests import WebhookRequests
from shared.contracts.answers import (
    BacktestAccepted,
    DecisionAccepted,
    DecisionsAccepted,
    FindingList,
    ImportAccepted,
    InfiniteStatus,
    RollbackAccepted,
    RollbacksAccepted,
    Status,
    StoppedWaves,
    WaveOpened,
)
from shared.contracts.base import Value
from shared.contracts.commands import (
    ApprovalFilter,
    BacktestTarget,
    Decision,
    DecisionOnMany,
    DecisionReason,
    LogOrigin,
    RollbackOptions,
    RollbackSince,
    StartWave,
)
from shared.contracts.events import Event
from shared.contracts.http import API_PREFIX
from shared.contracts.report import WaveReport
from shared.contracts.story import Story
from shared.contracts.views import (
    AgentView,
    ApprovalGroups,
    BacktestDetails,
    BacktestView,
    EnhancementDetails,
    EnhancementView,
    Page,
    TaskReason,
    WaveView,
)
from shared.kernel.errors import Transient

M = TypeVar("M", bound=BaseModel)
V = TypeVar("V", bound=Value)
T = TypeVar("T")
# Starting a wave may include cloning a large repository.
REQUEST_TIMEOUT = httpx.Timeout(130.0, connect=2.0)
# The API sends a keep-alive every 15 seconds.
STREAM_TIMEOUT = httpx.Timeout(30.0, connect=2.0)
MAX_PAGE_ITEMS = 200
# An API whose process died is restarted within seconds, and every request is safe to repeat.
RETRY_SECONDS = 30.0
RECONNECT_PAUSE_SECONDS = 0.2
RETRIED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError, httpx.ReadError)


class ApiClient(KeyRequests, WebhookRequests):
    """A client of one API, which retries while the API is being restarted.

    `ours` says that the stack behind it was started for this command.

    One method per request of the API.
    """

    def __init__(self, url: str, key: str, *, ours: bool = False) -> None:
        self._client = httpx.AsyncClient(
            base_url=f"{url}{API_PREFIX}",
            timeout=REQUEST_TIMEOUT,
            trust_env=False,
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )
        self.url = url
        self.ours = ours

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def start_wave(self, command: StartWave) -> WaveOpened:
        """Start a wave; a `wave_id` in the command makes repeated requests harmless."""
        return await self._post(WaveOpened, "/waves", command)

    async def stop_wave(self, wave: str, reason: str = "") -> StoppedWaves:
        """Stop a wave."""
        return await self._request(
            StoppedWaves, "POST", f"/waves/{wave}/stop", json={"reason": reason}
        )

    async def waves(self, limit: int) -> list[WaveView]:
        """Return the newest waves."""
        return await self._list(WaveView, "/waves", limit)

    async def report(self, wave: str) -> WaveReport:
        """Return the report of a wave, as far as it has got."""
        return await self._request(WaveReport, "GET", f"/waves/{wave}/report")

    async def enhancements(self, wave: str, state: str, limit: int) -> list[EnhancementView]:
        """Return the newest enhancements, of one wave or all, in one state or any."""
        return await self._list(EnhancementView, "/enhancements", limit, wave=wave, state=state)

    async def enhancement(self, enhancement: str) -> EnhancementDetails:
        """Return one enhancement."""
        return await self._request(EnhancementDetails, "GET", f"/enhancements/{enhancement}")

    async def story(self, enhancement: str) -> Story:
        """Return what happened to an enhancement, in order."""
        return await self._request(Story, "GET", f"/enhancements/{enhancement}/story")

    async def diff(self, enhancement: str) -> str:
        """Return the patch of an enhancement as a unified diff."""
        return (await self._send("GET", f"/enhancements/{enhancement}/diff")).text

    async def decide(
        self, enhancement: str, decision: Decision, given: DecisionReason
    ) -> DecisionAccepted:
        """Submit a person's decision about an enhancement that needs approval."""
        return await self._post(DecisionAccepted, f"/enhancements/{enhancement}/{decision}", given)

    async def approvals(self, wanted: ApprovalFilter) -> ApprovalGroups:
        """Return the changes that need approval, in groups."""
        params = wanted.model_dump()
        return await self._request(ApprovalGroups, "GET", "/enhancements/approvals", params=params)

    async def decide_many(self, decision: Decision, given: DecisionOnMany) -> DecisionsAccepted:
        """Submit one decision about all selected enhancements that need approval."""
        return await self._post(DecisionsAccepted, f"/enhancements/{decision}", given)

    async def roll_back(self, enhancement: str, options: RollbackOptions) -> RollbackAccepted:
        """Request the rollback of one change."""
        return await self._post(RollbackAccepted, f"/enhancements/{enhancement}/rollback", options)

    async def roll_back_wave(self, wave: str, options: RollbackOptions) -> RollbacksAccepted:
        """Request the rollback of everything a wave has landed."""
        return await self._post(RollbacksAccepted, f"/waves/{wave}/rollback", options)

    async def roll_back_since(self, request: RollbackSince) -> RollbacksAccepted:
        """Request the rollback of everything that landed since a time."""
        return await self._post(RollbacksAccepted, "/enhancements/rollback", request)

    async def start_backtest(self, command: BacktestTarget) -> BacktestAccepted:
        """Start a backtest; a `backtest_id` in the command makes repeated requests harmless."""
        return await self._post(BacktestAccepted, "/backtests", command)

    async def backtest(self, backtest: str) -> BacktestDetails:
        """Return a backtest with what it has found so far."""
        return await self._request(BacktestDetails, "GET", f"/backtests/{backtest}")

    async def backtests(self, limit: int) -> list[BacktestView]:
        """Return the newest backtests."""
        return await self._list(BacktestView, "/backtests", limit)

    async def stop_backtest(self, backtest: str) -> None:
        """Request that a backtest stops; what it has run is kept."""
        await self._request(BacktestAccepted, "POST", f"/backtests/{backtest}/stop")

    async def import_findings(self, origin: LogOrigin, content: bytes) -> ImportAccepted:
        """Import what a SARIF log reports about a repository."""
        params = origin.model_dump(exclude_none=True)
        return await self._request(
            ImportAccepted, "POST", "/findings/import", params=params, content=content
        )

    async def findings(self, target: str, **wanted: Any) -> FindingList:
        """Return findings of a repository."""
        params = {"target": target, **wanted}
        return await self._request(FindingList, "GET", "/findings", params=params)

    async def exported_findings(self, target: str, **wanted: Any) -> bytes:
        """Return all findings of a repository as a SARIF log."""
        params = {"target": target, **wanted}
        return (await self._send("GET", "/findings/export", params=params)).content

    async def why(self, task: str) -> TaskReason:
        """Return why a task was taken up, and what else its wave could have taken up."""
        return await self._request(TaskReason, "GET", f"/tasks/{task}/why")

    async def agents(self, limit: int, *, wave: str = "", active: bool) -> list[AgentView]:
        """Return the newest agents, of a wave or all; `active` only those whose wave goes on."""
        return await self._list(AgentView, "/agents", limit, wave=wave, active=active)

    async def infinite(self, path: str, command: BaseModel) -> InfiniteStatus:
        """Start, pause, resume or stop infinite mode, by the path of that; return how it is."""
        return await self._post(InfiniteStatus, path, command)

    async def infinite_status(self, target: str | None = None) -> InfiniteStatus:
        """Return infinite mode on a target, or on all of them."""
        params = {"target": target} if target else {}
        return await self._request(InfiniteStatus, "GET", "/infinite", params=params)

    async def status(self) -> Status:
        """Return how many processes run agents of each type, and what is unfinished by state."""
        return await self._request(Status, "GET", "/status")

    async def events(self, *, after: int, wave: str = "") -> AsyncIterator[Event]:
        """Yield every known event after the number `after`, of a wave or all, without end.

        A broken connection is resumed after the last event. Raises `Transient` if the API cannot be
        reached again.
        """
        while True:
            async with self._event_source(after, wave) as source:
                try:
                    async for sent in source.aiter_sse():
                        # A keep-alive is read as an event without data, with the last id.
                        if not sent.data:
                            continue
                        after = int(sent.id)
                        event = decode_event(sent)
                        if event is not None:
                            yield event
                except httpx.TransportError:
                    pass
            await asyncio.sleep(RECONNECT_PAUSE_SECONDS)

    @asynccontextmanager
    async def _event_source(self, after: int, wave: str) -> AsyncIterator[EventSource]:
        """Open the event stream after a sequence number; raise what the API answers instead."""
        params: dict[str, str | int] = {"after": after, "wave": wave}
        async with AsyncExitStack() as exits:
            source = await self._retry(
                lambda: exits.enter_async_context(
                    aconnect_sse(
                        self._client, "GET", "/events", params=params, timeout=STREAM_TIMEOUT
                    )
                )
            )
            if source.response.is_error:
                await source.response.aread()
                raise error_of(source.response)
            yield source

    async def _list(self, view: type[V], path: str, limit: int, **params: Any) -> list[V]:
        """Return at most `limit` items of a list, page by page."""
        items: list[V] = []
        page = Page[view]  # type: ignore[valid-type]
        while len(items) < limit:
            params["limit"] = min(limit - len(items), MAX_PAGE_ITEMS)
            found = await self._request(page, "GET", path, params=params)
            items += found.items
            if found.next is None:
                break
            params["after"] = found.next
        return items

    async def _post(self, model: type[M], path: str, body: BaseModel) -> M:
        """Send a body as JSON, without fields that are None, and return the parsed answer."""
        json = body.model_dump(mode="json", exclude_none=True)
        return await self._request(model, "POST", path, json=json)

    async def _request(self, model: type[M], method: str, path: str, **options: Any) -> M:
        """Send a request and return its answer, parsed as a `model`."""
        response = await self._send(method, path, **options)
        return model.model_validate_json(response.content)

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request, again while the API is away; raise the error that it answers with."""
        response = await self._retry(lambda: self._client.request(method, path, **options))
        if response.is_error:
            raise error_of(response)
        return response

    async def _retry(self, connect: Callable[[], Awaitable[T]]) -> T:
        """Call `connect` until it succeeds; raise `Transient` once the API is away for too long."""
        retries = stamina.AsyncRetryingCaller(
            attempts=None, timeout=RETRY_SECONDS, wait_initial=0.1, wait_max=1.0, wait_jitter=0.1
        )
        try:
            return await retries(RETRIED, connect)
        except RETRIED as error:
            raise Transient(
                f"No API answers at {self.url}.",
                hint="Check that the stack is up: groundswell up",
            ) from error
