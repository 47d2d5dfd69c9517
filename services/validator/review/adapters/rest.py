"""Opening pull requests on GitHub and GitLab over their REST APIs."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Literal
from urllib.parse import quote, urlsplit

import httpx

from services.validator.review.adapters.dialects import DIALECTS, ForgePullRequest
from services.validator.review.adapters.responses import (
    RATE_LIMIT_DELAY_SECONDS,
    SERVER_ERROR_DELAY_SECONDS,
    error_message,
    is_transient,
    retry_delay,
)
from services.validator.review.ports import NewPullRequest
from shared.kernel.errors import GroundswellError, Rejected, Transient
from shared.kernel.json_data import read_json

TIMEOUT_SECONDS = 60.0
CONNECT_TIMEOUT_SECONDS = 10.0
SCHEMES = {"http", "https", "ssh", "git+ssh"}
# git's short form of ssh: user@host:path
SHORT_SSH_URL = re.compile(r"(?:[^@/:]+@)?(?P<host>[\w.-]{2,}):(?!//)(?P<path>[^:@]+)")
API_URL = r"https?://[^\s@?#]+"
MAX_MESSAGE_CHARS = 300
# What a refusal means and what to do about it, by its status; 300 is any redirect.
REFUSED = (
    "{forge} refuses ({status}) a pull request from {branch} to {base} in {project}.",
    "Put right what it names, then ask again.",
)
REFUSALS = {
    300: (
        "{forge} has moved {project}, and the token is not sent after it.",
        "Set the target's remote, or the url of the API, to where it is now.",
    ),
    401: ("{forge} does not accept the token.", "Set one that has not expired. {needs}"),
    403: ("{forge} does not let the token open pull requests in {project}.", "{needs}"),
    404: (
        "{forge} has no {project} that the token may see.",
        "Is the target's remote right, and the token allowed there? {needs}",
    ),
}


class RestForge:
    """A forge with a REST API; the `Forge` port.

    `api_url` is the root of the API of a self-hosted server, such as https://host/api/v3 (GitHub)
    or https://host/api/v4 (GitLab). The token is sent there and nowhere else, whatever a remote
    names. `timeout` is in seconds.
    """

    def __init__(
        self,
        kind: Literal["github", "gitlab"],
        token: str,
        api_url: str | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._dialect = DIALECTS[kind]
        self._token = _validated(token.strip(), r"[!-~]+", "token is empty or has odd characters")
        self._own = bool(api_url)
        self._api = _validated(
            api_url or self._dialect.api, API_URL, "API is no http url, or has a password in it"
        )
        self._timeout = timeout

    async def open(self, request: NewPullRequest) -> str:
        """Open a pull request, or update the title and body of an open one; return its url.

        Raises `Rejected` if the forge refuses it, `Transient` if it may succeed later.
        """
        facts = _template_values(request, self._project(request.remote))
        try:
            async with asyncio.timeout(self._timeout), self._client() as client:
                found = await self._open_or_update(client, facts)
        except (httpx.HTTPError, TimeoutError) as error:
            message = (
                f"{self._dialect.name} does not answer at {self._api}: {type(error).__name__}."
            )
            raise Transient(message, delay=SERVER_ERROR_DELAY_SECONDS) from error
        if found is None:
            message = f"{self._dialect.name} has this pull request, but does not show it yet."
            raise Transient(message, delay=SERVER_ERROR_DELAY_SECONDS)
        return found

    def _project(self, remote: str) -> str:
        """Return the path of the project that a remote names.

        Raises `Rejected` without the url in its message, since that may hold a password.
        """
        host, path = parse_remote(remote)
        if not self._dialect.project.fullmatch(path):
            raise Rejected(
                f"The target's remote names no project on {self._dialect.name}.",
                hint="It is like https://host/owner/name.git or git@host:owner/name.git.",
                code="forge_remote",
            )
        if not self._own and host not in self._dialect.hosts:
            raise Rejected(
                f"The target's remote is on {host}, and the token is for {self._api}.",
                hint=f"If {host} is your own {self._dialect.name}, set the url of its API.",
                code="forge_remote",
            )
        return path

    def _client(self) -> httpx.AsyncClient:
        """Return a client of the forge's API that sends the token, and follows no redirects."""
        headers = _fill(self._dialect.headers, {"token": self._token})
        return httpx.AsyncClient(
            base_url=self._api,
            headers={"User-Agent": "groundswell", **headers},
            timeout=httpx.Timeout(self._timeout, connect=CONNECT_TIMEOUT_SECONDS),
            verify=_ssl_context(),
            # httpx would send GitLab's token to wherever a redirect leads.
            follow_redirects=False,
        )

    async def _open_or_update(
        self, client: httpx.AsyncClient, facts: Mapping[str, str]
    ) -> str | None:
        """Open or update the pull request; return its url, or None if it is not shown yet."""
        path = self._dialect.path.format_map(facts)
        query, texts = _fill(self._dialect.query, facts), _fill(self._dialect.texts, facts)
        found = self._match(await client.get(path, params=query), facts)
        if found is None:
            body = _fill(self._dialect.body, facts)
            response = await client.post(path, json=body | texts)
            status, message = self._dialect.exists
            if response.status_code == status and message in error_message(response):
                response = await client.get(path, params=query)
            found = self._match(response, facts)
        elif not found.has_texts(texts):
            url = f"{path}/{found.number}"
            response = await client.request(self._dialect.update_method, url, json=texts)
            found = self._match(response, facts)
        return found.url if found else None

    def _match(self, response: httpx.Response, facts: Mapping[str, str]) -> ForgePullRequest | None:
        """Return the requested pull request among the one or many in a response; None without it.

        Raises `Transient` or `Rejected` if it is unsuccessful, `Transient` if it cannot be read.
        """
        if not response.is_success:
            raise self._problem(response, facts)
        try:
            body = read_json(response.content)
            listed = body if isinstance(body, list) else [body]
            pulls = [ForgePullRequest.model_validate(each) for each in listed]
        except ValueError as error:
            raise Transient(
                f"What answers at {self._api} does not speak as {self._dialect.name} does.",
                hint="Is this the root of its API, and no proxy in between?",
                delay=RATE_LIMIT_DELAY_SECONDS,
            ) from error
        between = facts["branch"], facts["base"]
        return next((each for each in pulls if each.is_between(*between)), None)

    def _problem(self, response: httpx.Response, facts: Mapping[str, str]) -> GroundswellError:
        """Return the error that an unsuccessful response stands for."""
        forge, status = self._dialect.name, response.status_code
        message = error_message(response).replace(self._token, "(token)")[:MAX_MESSAGE_CHARS]
        quoted = f" It says: {message}" if message else ""
        if is_transient(response):
            return Transient(
                f"{forge} answers {status} for now.{quoted}", delay=retry_delay(response)
            )
        reason, hint = REFUSALS.get(300 if response.is_redirect else status, REFUSED)
        facts = {**facts, "forge": forge, "status": str(status), "needs": self._dialect.needs}
        return Rejected(
            reason.format_map(facts) + quoted, hint=hint.format_map(facts), code="forge_refused"
        )


@cache
def _ssl_context() -> ssl.SSLContext:
    """Return the certificates that this machine trusts, read once because it takes a while."""
    return httpx.create_ssl_context()


def parse_remote(remote: str) -> tuple[str, str]:
    """Return host and path of a git remote, without credentials and `.git`; empty if unknown."""
    try:
        parts = urlsplit(remote)
    except ValueError:
        return "", ""
    if parts.scheme in SCHEMES and parts.hostname:
        return parts.hostname, _project_path(parts.path)
    short = SHORT_SSH_URL.fullmatch(remote)
    return (short["host"].lower(), _project_path(short["path"])) if short else ("", "")


def _project_path(path: str) -> str:
    """Return a url's path without slashes around it and without `.git`."""
    return path.strip("/").removesuffix(".git")


def _template_values(request: NewPullRequest, project: str) -> dict[str, str]:
    """Return the values that the templates of a dialect may name."""
    return {
        **{key: getattr(request, key) for key in ("branch", "base", "title", "body")},
        "project": project,
        "owner": project.partition("/")[0],
        "quoted": quote(project, safe=""),
        # GitLab would run a line that starts with a slash as a command, with our rights.
        "escaped_body": re.sub(r"(?m)^(\s*)/", r"\1\\/", request.body),
    }


def _fill(template: Mapping[str, str], facts: Mapping[str, str]) -> dict[str, str]:
    """Return the template with the facts in the places that name them."""
    return {key: value.format_map(facts) for key, value in template.items()}


def _validated(value: str, pattern: str, what: str) -> str:
    """Return a setting that matches, else raise `Rejected` without it, as it may hold a secret."""
    if not re.fullmatch(pattern, value):
        raise Rejected(f"The forge's {what}.", hint="Set it again.", code="forge_settings")
    return value
