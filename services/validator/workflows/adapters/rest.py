"""A running n8n over its public REST API."""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx

from services.validator.workflows.adapters.answers import (
    read_execution,
    read_page,
    read_workflow,
    refusal,
)
from services.validator.workflows.domain.live import LiveWorkflow, WorkflowExecution
from services.validator.workflows.ports import KEY_REFUSED, REFUSED
from shared.kernel.errors import Rejected, Transient
from shared.kernel.json_data import read_json

TIMEOUT_SECONDS = 30.0
CONNECT_TIMEOUT_SECONDS = 10.0
# An execution may take so long; n8n itself ends it sooner.
EXECUTION_TIMEOUT_SECONDS = 90.0
POLL_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)
# n8n adds and removes webhooks a while after it has published or unpublished a version.
PUBLICATION_WAITS_SECONDS = (0.05, 0.1, 0.2, 0.5, *(1.0,) * 14)
RETRY_SECONDS = 10.0
MAX_ANSWER_BYTES = 20_000_000
MAX_PAGES = 20
PAGE_SIZE = 250
SERVER_URL = r"https?://[^\s@?#]+"
WORKFLOW_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
NO_KEY = {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}
MAY_SUCCEED_LATER = {408, 425, 429}
# What n8n says while it is still publishing or unpublishing.
TRY_AGAIN = "try again"


class RestWorkflowServer:
    """A running n8n by the address of its root; the `WorkflowServer` port.

    The key is sent to its public API and nowhere else: not after a redirect, and not to webhooks.
    `transport` replaces the network in tests.
    """

    def __init__(
        self, url: str, key: str, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._url = _validated(url.rstrip("/"), SERVER_URL, "address is no http url of a server")
        self._key = _validated(key.strip(), r"[!-~]+", "API key is empty or has odd characters")
        self._transport = transport

    async def create(self, name: str, content: Mapping[str, Any]) -> LiveWorkflow:
        """Create a workflow that is not published."""
        return read_workflow(await self._ask("POST", "/workflows", json={"name": name, **content}))

    async def get(self, workflow: str) -> LiveWorkflow | None:
        """Return a workflow by its id; None if there is none."""
        if not WORKFLOW_ID.fullmatch(workflow):
            return None
        found = await self._ask("GET", _path(workflow), missing_ok=True)
        return read_workflow(found) if found is not None else None

    async def named(self, prefix: str) -> Sequence[LiveWorkflow]:
        """Return the workflows whose names begin with a text, of the first so many pages."""
        found: list[LiveWorkflow] = []
        cursor = ""
        for _ in range(MAX_PAGES):
            params = {"name": prefix, "limit": str(PAGE_SIZE), "excludePinnedData": "true"}
            params |= {"cursor": cursor} if cursor else {}
            rows, cursor = read_page(await self._ask("GET", "/workflows", params=params))
            found += [read_workflow(each) for each in rows]
            if not cursor:
                break
        # Whatever n8n understands by a name: only these are meant.
        return [each for each in found if each.name.startswith(prefix)]

    async def save_draft(
        self, workflow: str, name: str, content: Mapping[str, Any]
    ) -> LiveWorkflow:
        """Replace the draft of a workflow; what is published stays published."""
        params = {"publishIfActive": "false"}
        body = {"name": name, **content}
        return read_workflow(await self._ask("PUT", _path(workflow), params=params, json=body))

    async def publish(self, workflow: str, version: str) -> LiveWorkflow:
        """Publish a version of a workflow, in place of the one that is published."""
        path = f"{_path(workflow)}/publish"
        return read_workflow(await self._ask("POST", path, json={"versionId": version}))

    async def delete(self, workflow: str) -> None:
        """Delete a workflow with its executions; nothing happens if there is none."""
        found = await self.get(workflow)
        if found is None:
            return
        if found.published:
            # n8n deletes no workflow that is published, or of which webhooks are left.
            await self._ask("POST", f"{_path(workflow)}/unpublish", missing_ok=True)
        await _patiently(lambda: self._ask("DELETE", _path(workflow), missing_ok=True))

    async def run(self, workflow: str, webhook: str) -> WorkflowExecution:
        """Start a published workflow by the path of its webhook, and return the execution's end."""
        before = {each.id for each in await self._executions(workflow)}
        await _patiently(lambda: self._call_webhook(quote(webhook, safe="")))
        try:
            async with asyncio.timeout(EXECUTION_TIMEOUT_SECONDS):
                return await self._ended(workflow, before)
        except TimeoutError as error:
            raise _unavailable("does not end an execution in time") from error

    async def _call_webhook(self, path: str) -> None:
        """Call a webhook that n8n has published; it is there a while after that."""
        try:
            await self._send("POST", f"{self._url}/webhook/{path}", json={})
        except Rejected as error:
            raise _unavailable(f"does not start a webhook: {error.message}") from error

    async def _ended(self, workflow: str, before: set[str]) -> WorkflowExecution:
        """Return the first execution that has ended and is not one of those before."""
        waits = iter(POLL_SECONDS)
        while True:
            for each in await self._executions(workflow):
                if each.id not in before:
                    return each
            await asyncio.sleep(next(waits, POLL_SECONDS[-1]))

    async def _executions(self, workflow: str) -> list[WorkflowExecution]:
        """Return the newest executions of a workflow that have ended."""
        params = {"workflowId": workflow, "includeData": "true", "limit": "10"}
        rows, _ = read_page(await self._ask("GET", "/executions", params=params))
        return [read_execution(each) for each in rows]

    async def _ask(
        self, method: str, path: str, *, missing_ok: bool = False, **request: Any
    ) -> Any:
        """Send a request to the public API with the key; return its answer, None if missing."""
        headers = {"X-N8N-API-KEY": self._key}
        url = f"{self._url}/api/v1{path}"
        return await self._send(method, url, headers=headers, missing_ok=missing_ok, **request)

    async def _send(
        self, method: str, url: str, *, missing_ok: bool = False, **request: Any
    ) -> Any:
        """Send a request; return its answer as JSON. Raises as the port says."""
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                self._client() as client,
                client.stream(method, url, **request) as response,
            ):
                body = await _bounded(response)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise _unavailable(f"does not answer: {type(error).__name__}") from error
        if missing_ok and response.status_code == httpx.codes.NOT_FOUND:
            return None
        return self._answer(response, body)

    def _answer(self, response: httpx.Response, body: bytes) -> Any:
        """Return the JSON of a successful answer, else raise the error that it means."""
        status = response.status_code
        if response.is_success:
            try:
                return read_json(body) if body.strip() else None
            except ValueError as error:
                raise _unavailable(f"answers what cannot be read: {error}") from error
        said = refusal(body).replace(self._key, "(key)")
        quoted = f": {said}" if said else ""
        if response.is_server_error or status in MAY_SUCCEED_LATER or TRY_AGAIN in said:
            raise _unavailable(f"answers {status}{quoted}")
        if status in NO_KEY:
            message = f"n8n does not let the API key do this ({status}){quoted}"
            raise Rejected(message, code=KEY_REFUSED)
        raise Rejected(f"n8n refuses it ({status}){quoted}", code=REFUSED)

    def _client(self) -> httpx.AsyncClient:
        """Return a client that follows no redirects."""
        return httpx.AsyncClient(
            headers={"User-Agent": "groundswell", "Accept": "application/json"},
            timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
            verify=_ssl_context(),
            follow_redirects=False,
            transport=self._transport,
        )


@cache
def _ssl_context() -> ssl.SSLContext:
    """Return the certificates that this machine trusts, read once because it takes a while."""
    return httpx.create_ssl_context()


def _path(workflow: str) -> str:
    """Return the path of a workflow. Raises `Rejected` for what is no id: a file may name it."""
    if not WORKFLOW_ID.fullmatch(workflow):
        raise Rejected("That is no id of a workflow.", code=REFUSED)
    return f"/workflows/{workflow}"


async def _patiently(request: Callable[[], Awaitable[Any]]) -> None:
    """Make a request again until n8n has done what it depends on. Raises `Transient` if never."""
    for wait in PUBLICATION_WAITS_SECONDS:
        try:
            await request()
        except Transient:
            await asyncio.sleep(wait)
        else:
            return
    await request()


async def _bounded(response: httpx.Response) -> bytes:
    """Return the body of an answer. Raises `Transient` where it is too large."""
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > MAX_ANSWER_BYTES:
            raise _unavailable("answers with too much")
    return bytes(body)


def _unavailable(what: str) -> Transient:
    """Return the error for an n8n that gives no answer that can be used now."""
    return Transient(f"n8n {what}", delay=RETRY_SECONDS)


def _validated(value: str, pattern: str, what: str) -> str:
    """Return a setting that matches, else raise `Rejected` without it, as it may hold a secret."""
    if not re.fullmatch(pattern, value):
        raise Rejected(f"n8n's {what}.", hint="Set it again.", code="n8n_settings")
    return value
