"""Pull requests on GitHub and GitLab, over their REST APIs."""

import asyncio
import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Literal
from urllib.parse import quote, urlsplit

import httpx
from pydantic import AliasChoices, AliasPath, BaseModel, Field

from services.validator.review.ports import NewPullRequest
from shared.kernel.errors import GroundswellError, Rejected, Transient

TIMEOUT = 60.0
CONNECT = 10.0
# What to wait, in seconds, where the server does not say: GitHub wants a minute after a limit.
LIMITED, BROKEN, LONGEST = 60.0, 10.0, 86_400.0
SCHEMES = {"http", "https", "ssh", "git+ssh"}
# git's short form of ssh: somebody@host:path
SHORT = re.compile(r"(?:[^@/:]+@)?(?P<host>[\w.-]{2,}):(?!//)(?P<path>[^:@]+)")
NAME = r"(?!\.\.?(?:/|$))[A-Za-z0-9_.-]+"
API = r"https?://[^\s@?#]+"
WORDS = 300
# A refusal in words, and what to do about it, by its status; 300 is any redirect.
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


class Pull(BaseModel):
    """A pull request as either forge tells of it; `source` and `target` are projects."""

    number: int = Field(validation_alias=AliasChoices("number", "iid"))
    title: str = ""
    body: str | None = Field(None, validation_alias=AliasChoices("body", "description"))

    url: str = Field(
        pattern=r"^https?://\S+$", validation_alias=AliasChoices("html_url", "web_url")
    )
    branch: str = Field(validation_alias=AliasChoices(AliasPath("head", "ref"), "source_branch"))
    base: str = Field(validation_alias=AliasChoices(AliasPath("base", "ref"), "target_branch"))
    source: int | None = Field(
        None, validation_alias=AliasChoices(AliasPath("head", "repo", "id"), "source_project_id")
    )
    target: int = Field(
        validation_alias=AliasChoices(AliasPath("base", "repo", "id"), "target_project_id")
    )

    def says(self, words: Mapping[str, str]) -> bool:
        """Whether it has this title and body already."""
        return list(words.values()) == [self.title, self.body or ""]

    def joins(self, branch: str, base: str) -> bool:
        """Whether it is between these branches, and not from a fork that has one of that name."""
        return (self.branch, self.base, self.source) == (branch, base, self.target)


@dataclass(frozen=True)
class Dialect:
    """What the forges do differently; `place`, `query`, `body` and `headers` are templates.

    `words` is the part of `body` that may be changed later, by `change`. `exists` is the status, and
    words, that say there is such a pull request already.
    """

    name: str
    hosts: frozenset[str]
    api: str
    project: re.Pattern[str]
    needs: str
    headers: Mapping[str, str]
    place: str
    query: Mapping[str, str]
    body: Mapping[str, str]
    words: Mapping[str, str]
    change: str
    exists: tuple[int, str]


# https://docs.github.com/en/rest/pulls/pulls
GITHUB = Dialect(
    name="GitHub",
    hosts=frozenset({"github.com", "www.github.com", "ssh.github.com"}),
    api="https://api.github.com",
    project=re.compile(f"{NAME}/{NAME}"),
    needs="It needs the scope 'repo', or the permission to write pull requests.",
    headers={
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
        "Authorization": "Bearer {token}",
    },
    place="repos/{project}/pulls",
    query={"state": "open", "head": "{owner}:{branch}", "base": "{base}", "per_page": "100"},
    body={"head": "{branch}", "base": "{base}"},
    words={"title": "{title}", "body": "{body}"},
    change="PATCH",
    exists=(422, "pull request already exists"),
)
# https://docs.gitlab.com/api/merge_requests/
BETWEEN = {"source_branch": "{branch}", "target_branch": "{base}"}
GITLAB = Dialect(
    name="GitLab",
    hosts=frozenset({"gitlab.com", "www.gitlab.com", "altssh.gitlab.com"}),
    api="https://gitlab.com/api/v4",
    project=re.compile(f"{NAME}(?:/{NAME})+"),
    needs="It needs the scope 'api' and the role Developer.",
    headers={"Accept": "application/json", "PRIVATE-TOKEN": "{token}"},
    place="projects/{quoted}/merge_requests",
    query={"state": "opened", **BETWEEN, "per_page": "100"},
    body=BETWEEN,
    words={"title": "{title}", "description": "{tame}"},
    change="PUT",
    exists=(409, ""),
)
DIALECTS = {"github": GITHUB, "gitlab": GITLAB}


class RestForge:
    """The `Forge` port.

    `api_url` is the root of the API of a server of one's own, such as https://host/api/v3 (GitHub)
    or https://host/api/v4 (GitLab). The token goes there and nowhere else, whatever a remote says.
    """

    def __init__(
        self,
        kind: Literal["github", "gitlab"],
        token: str,
        api_url: str | None = None,
        *,
        timeout: float = TIMEOUT,
    ) -> None:
        self._dialect = DIALECTS[kind]
        self._token = _checked(token.strip(), r"[!-~]+", "token is empty or has odd characters")
        self._own = bool(api_url)
        self._api = _checked(
            api_url or self._dialect.api, API, "API is no http url, or has a password in it"
        )
        self._timeout = timeout

    async def open(self, request: NewPullRequest) -> str:
        facts = _facts(request, self._project(request.remote))
        try:
            async with asyncio.timeout(self._timeout), self._client() as client:
                found = await self._open(client, facts)
        except (httpx.HTTPError, TimeoutError) as error:
            what = f"{self._dialect.name} does not answer at {self._api}: {type(error).__name__}."
            raise Transient(what, delay=BROKEN) from error
        if found is None:
            what = f"{self._dialect.name} has this pull request, but does not show it yet."
            raise Transient(what, delay=BROKEN)
        return found

    def _project(self, remote: str) -> str:
        """The path of the project that a remote names; says nothing of a url it cannot read."""
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
                hint=f"If {host} is a {self._dialect.name} of your own, set the url of its API.",
                code="forge_remote",
            )
        return path

    def _client(self) -> httpx.AsyncClient:
        headers = _filled(self._dialect.headers, {"token": self._token})
        return httpx.AsyncClient(
            base_url=self._api,
            headers={"User-Agent": "groundswell", **headers},
            timeout=httpx.Timeout(self._timeout, connect=CONNECT),
            verify=_trusted(),
            # httpx would take GitLab's token along to wherever a redirect leads.
            follow_redirects=False,
        )

    async def _open(self, client: httpx.AsyncClient, facts: Mapping[str, str]) -> str | None:
        place = self._dialect.place.format_map(facts)
        query, words = _filled(self._dialect.query, facts), _filled(self._dialect.words, facts)
        found = self._match(await client.get(place, params=query), facts)
        if found is None:
            body = _filled(self._dialect.body, facts)
            answer = await client.post(place, json=body | words)
            status, said = self._dialect.exists
            if answer.status_code == status and said in _words(answer):
                answer = await client.get(place, params=query)
            found = self._match(answer, facts)
        elif not found.says(words):
            url = f"{place}/{found.number}"
            answer = await client.request(self._dialect.change, url, json=words)
            found = self._match(answer, facts)
        return found.url if found else None

    def _match(self, answer: httpx.Response, facts: Mapping[str, str]) -> Pull | None:
        """The pull request that was asked for, among the one or many in an answer."""
        if not answer.is_success:
            raise self._problem(answer, facts)
        try:
            told = answer.json()
            pulls = [Pull.model_validate(it) for it in (told if isinstance(told, list) else [told])]
        except ValueError as error:
            raise Transient(
                f"What answers at {self._api} does not speak as {self._dialect.name} does.",
                hint="Is this the root of its API, and no proxy in between?",
                delay=LIMITED,
            ) from error
        between = facts["branch"], facts["base"]
        return next((each for each in pulls if each.joins(*between)), None)

    def _problem(self, answer: httpx.Response, facts: Mapping[str, str]) -> GroundswellError:
        """An answer that is no success, as the error it stands for."""
        forge, status = self._dialect.name, answer.status_code
        words = _words(answer).replace(self._token, "(token)")[:WORDS]
        said = f" It says: {words}" if words else ""
        if _passes(answer):
            return Transient(f"{forge} answers {status} for now.{said}", delay=_delay(answer))
        what, hint = REFUSALS.get(300 if answer.is_redirect else status, REFUSED)
        facts = {**facts, "forge": forge, "status": str(status), "needs": self._dialect.needs}
        return Rejected(
            what.format_map(facts) + said, hint=hint.format_map(facts), code="forge_refused"
        )


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities this machine trusts; reading them takes a while."""
    return httpx.create_ssl_context()


def parse_remote(remote: str) -> tuple[str, str]:
    """Host and path of a git remote, without credentials and `.git`; empty where it has none."""
    try:
        parts = urlsplit(remote)
    except ValueError:
        return "", ""
    if parts.scheme in SCHEMES and parts.hostname:
        return parts.hostname, _bare(parts.path)
    short = SHORT.fullmatch(remote)
    return (short["host"].lower(), _bare(short["path"])) if short else ("", "")


def _bare(path: str) -> str:
    return path.strip("/").removesuffix(".git")


def _facts(request: NewPullRequest, project: str) -> dict[str, str]:
    """What the templates may name."""
    return {
        **{key: getattr(request, key) for key in ("branch", "base", "title", "body")},
        "project": project,
        "owner": project.partition("/")[0],
        "quoted": quote(project, safe=""),
        # GitLab would run a line that starts with a slash as a command, with our rights.
        "tame": re.sub(r"(?m)^(\s*)/", r"\1\\/", request.body),
    }


def _filled(template: Mapping[str, str], facts: Mapping[str, str]) -> dict[str, str]:
    return {key: value.format_map(facts) for key, value in template.items()}


def _checked(value: str, pattern: str, what: str) -> str:
    """A setting that can be used; nothing of a wrong one is shown, since it is or may hold a secret."""
    if not re.fullmatch(pattern, value):
        raise Rejected(f"The forge's {what}.", hint="Set it again.", code="forge_settings")
    return value


def _words(answer: httpx.Response) -> str:
    """What the server says about an error, if it says it as JSON."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    said = filter(None, map(body.get, ("message", "errors", "error")))
    words = (each if isinstance(each, str) else json.dumps(each) for each in said)
    return " ".join("; ".join(words).split())


def _passes(answer: httpx.Response) -> bool:
    """Whether the same request may succeed later. GitHub says 403 for its rate limits, too."""
    if answer.status_code == httpx.codes.FORBIDDEN:
        asked = "retry-after" in answer.headers
        return asked or _reset(answer) is not None or "rate limit" in _words(answer)
    return answer.is_server_error or answer.status_code in {408, 429}


def _delay(answer: httpx.Response) -> float:
    """The seconds to wait that the server asks for, by its own clock."""
    asked = answer.headers.get("retry-after", "")
    now, until = _moment(answer.headers.get("date", "")), _moment(asked) or _reset(answer)
    if asked.isdecimal():
        seconds = float(asked)
    elif now and until:
        seconds = until - now
    else:
        seconds = BROKEN if answer.is_server_error else LIMITED
    return min(max(seconds, 1.0), LONGEST)


def _reset(answer: httpx.Response) -> float | None:
    """When there will be requests again, in seconds since 1970, where none is left; 0 if unsaid."""
    for each in ("x-ratelimit", "ratelimit"):
        reset = answer.headers.get(f"{each}-reset", "")
        if answer.headers.get(f"{each}-remaining") == "0":
            return float(reset) if reset.isdecimal() else 0.0
    return None


def _moment(date: str) -> float | None:
    """A header's date, in seconds since 1970."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
