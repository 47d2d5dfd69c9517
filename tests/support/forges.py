"""A server on loopback that answers as GitHub and GitLab say they do, and a remote beside it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.repositories import git

REMOTE = "https://code.example/acme/shop.git"
WANTED = '[landing]\nmode = "pull_request"\n'


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Answer:
    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class FakeForge:
    """Remembers what it was asked. `first` is answered before it behaves as its kind does."""

    kind: str
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    first: list[Answer | None] = field(default_factory=list)
    lists_nothing: bool = False
    mute: bool = False

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if self.first and (said := self.first.pop(0)):
            return said
        if asked.method == "GET":
            return self._list()
        return self._create(asked) if asked.method == "POST" else self._change(asked)

    def _list(self) -> Answer:
        """All there are, whatever was asked for: what is ours is not left to the server to say."""
        return Answer(200, [] if self.lists_nothing else self.pulls)

    def _create(self, asked: Asked) -> Answer:
        github = self.kind == "github"
        names = ("head", "base") if github else ("source_branch", "target_branch")
        made = pull(self.kind, *(asked.body[each] for each in names), number=len(self.pulls) + 1)
        made |= {key: asked.body[key] for key in asked.body if key not in made}
        if any(same(each) == same(made) for each in self.pulls):
            return DOUBLED[self.kind]
        self.pulls.append(made)
        return Answer(201, made)

    def _change(self, asked: Asked) -> Answer:
        number = int(asked.path.rpartition("/")[2])
        [found] = [each for each in self.pulls if number in (each.get("number"), each.get("iid"))]
        found |= asked.body
        return Answer(200, found)

    def written(self) -> list[Asked]:
        return [each for each in self.asked if each.method == "POST"]


def same(made: dict[str, Any]) -> dict[str, Any]:
    """What two pull requests cannot share."""
    keys = ("head", "base", "source_branch", "target_branch", "source_project_id")
    return {key: made[key] for key in keys if key in made}


def pull(kind: str, branch: str, base: str, *, number: int = 1, source: int | None = 7):
    if kind == "github":
        return {
            "url": f"https://api.example/pulls/{number}",
            "number": number,
            "html_url": f"https://forge.example/acme/shop/pull/{number}",
            "head": {"ref": branch, "repo": {"id": source} if source else None},
            "base": {"ref": base, "repo": {"id": 7}},
        }
    return {
        "iid": number,
        "web_url": f"https://forge.example/acme/shop/pull/{number}",
        "source_branch": branch,
        "target_branch": base,
        "source_project_id": source,
        "target_project_id": 7,
    }


EXISTS = "A pull request already exists for acme:groundswell/landing."
DOUBLED = {
    "github": Answer(
        422,
        {
            "message": "Validation Failed",
            "errors": [{"resource": "NewPullRequest", "code": "custom", "message": EXISTS}],
        },
    ),
    "gitlab": Answer(
        409, {"message": ["Another open merge request already exists for this source branch: !1"]}
    ),
}


@contextmanager
def serving(fake: FakeForge) -> Iterator[FakeForge]:
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if fake.mute:
                over.wait()
                return
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length) or b"{}")
            headers = {key.lower(): value for key, value in self.headers.items()}
            self.say(fake.answer(Asked(self.command, parts.path, query, headers, body)))

        do_POST = do_PATCH = do_PUT = do_GET  # noqa: N815 - the names are http.server's

        def say(self, answer: Answer) -> None:
            raw = (
                answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            )
            self.send_response_only(answer.status)
            for key, value in {**answer.headers, "Content-Length": str(len(raw))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Origin:
    """A bare repository; with `environment`, a user's git finds it behind REMOTE."""

    place: Path
    environment: dict[str, str]

    def adopt(self, target: Path) -> None:
        """Push the target's base branch, and have it name this its origin."""
        git(target, "push", "--quiet", str(self.place), "main")
        git(target, "remote", "add", "origin", REMOTE)


def an_origin(below: Path) -> Origin:
    place = below / "origin.git"
    place.mkdir()
    git(place, "init", "--quiet", "--bare", "--initial-branch=main")
    config = below / "config" / "git" / "config"
    config.parent.mkdir(parents=True)
    config.write_text(f'[url "{place}"]\n\tinsteadOf = {REMOTE}\n')
    return Origin(place, {"XDG_CONFIG_HOME": str(below / "config"), "NO_PROXY": "*"})


@contextmanager
def a_forge(kind: str) -> Iterator[tuple[FakeForge, dict[str, str]]]:
    """A forge, and what a stack is told about it."""
    with serving(FakeForge(kind)) as fake:
        told = {"GROUNDSWELL_FORGE": kind, "GROUNDSWELL_FORGE_TOKEN": "t0ken"}
        yield fake, {**told, "GROUNDSWELL_FORGE_API": f"{fake.url}/api"}
