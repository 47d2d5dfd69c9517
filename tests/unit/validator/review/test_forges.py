"""Opening pull requests on GitHub and GitLab."""

import logging
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

import pytest

from services.validator.review.adapters.rest import RestForge, parse_remote
from services.validator.review.ports import NewPullRequest
from shared.kernel.errors import Rejected, Transient
from tests.support.forges import Answer, FakeForge, pull, serving

TOKEN = "tok-3n"
KINDS = ["github", "gitlab"]
NOW = 1_800_000_000
LATER = {"Date": formatdate(NOW, usegmt=True)}
WANTED = NewPullRequest(
    "https://github.com/acme/shop.git", "groundswell/landing", "main", "Tidy up", "What and why."
)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def serve() -> Iterator[Callable[[str], FakeForge]]:
    with ExitStack() as stack:
        yield lambda kind: stack.enter_context(serving(FakeForge(kind)))


@pytest.fixture(params=KINDS)
def fake(request, serve) -> FakeForge:
    return serve(request.param)


def forge(fake: FakeForge, **options: Any) -> RestForge:
    return RestForge(fake.kind, TOKEN, fake.url + "/api", **options)


async def refusal(fake: FakeForge, *first: Answer | None) -> Rejected:
    fake.first = list(first)
    with pytest.raises(Rejected) as caught:
        await forge(fake).open(WANTED)
    assert caught.value.code == "forge_refused"
    return caught.value


async def wait(fake: FakeForge, *first: Answer | None) -> float:
    fake.first = list(first)
    with pytest.raises(Transient) as caught:
        await forge(fake).open(WANTED)
    return caught.value.delay


async def test_a_pull_request_is_opened_on_github_as_its_documentation_says(serve):
    github = serve("github")
    assert await forge(github).open(WANTED) == "https://forge.example/acme/shop/pull/1"
    listed, made = github.asked
    assert listed.path == made.path == "/api/repos/acme/shop/pulls"
    assert listed.query == {
        "state": "open",
        "head": "acme:groundswell/landing",
        "base": "main",
        "per_page": "100",
    }
    assert made.body == {
        "head": "groundswell/landing",
        "base": "main",
        "title": "Tidy up",
        "body": "What and why.",
    }
    for each in (listed, made):
        assert each.headers["authorization"] == f"Bearer {TOKEN}"
        assert each.headers["accept"] == "application/vnd.github+json"
        assert each.headers["x-github-api-version"] == "2022-11-28"
        assert each.headers["user-agent"] == "groundswell"


async def test_a_merge_request_is_opened_on_gitlab_as_its_documentation_says(serve):
    gitlab = serve("gitlab")
    wanted = replace(WANTED, remote="git@code.example:acme/web/shop.git")
    assert await forge(gitlab).open(wanted) == "https://forge.example/acme/shop/pull/1"
    listed, made = gitlab.asked
    assert listed.path == made.path == "/api/projects/acme%2Fweb%2Fshop/merge_requests"
    assert unquote(made.path).endswith("/acme/web/shop/merge_requests")
    assert listed.query == {
        "state": "opened",
        "source_branch": "groundswell/landing",
        "target_branch": "main",
        "per_page": "100",
    }
    assert made.body == {
        "source_branch": "groundswell/landing",
        "target_branch": "main",
        "title": "Tidy up",
        "description": "What and why.",
    }
    for each in (listed, made):
        assert each.headers["private-token"] == TOKEN
        assert "authorization" not in each.headers


async def test_asked_twice_there_is_one(fake):
    assert await forge(fake).open(WANTED) == await forge(fake).open(WANTED)
    assert len(fake.pulls) == len(fake.written()) == 1


async def test_one_whose_words_have_changed_is_told_the_new_ones(fake):
    first = await forge(fake).open(WANTED)
    assert await forge(fake).open(replace(WANTED, title="Tidy more", body="More.")) == first
    *_, changed = fake.asked
    github = fake.kind == "github"
    assert changed.method == ("PATCH" if github else "PUT")
    assert changed.path.endswith("/pulls/1" if github else "/merge_requests/1")
    assert changed.body == {
        "title": "Tidy more",
        ("body" if github else "description"): "More.",
    }
    assert len(fake.pulls) == 1


async def test_one_that_somebody_opened_in_between_is_found(fake):
    fake.pulls = [pull(fake.kind, WANTED.branch, WANTED.base)]
    fake.first = [Answer(200, [])]
    assert await forge(fake).open(WANTED) == "https://forge.example/acme/shop/pull/1"
    assert len(fake.written()) == len(fake.pulls) == 1


async def test_one_that_exists_and_is_not_listed_yet_is_asked_for_again_later(fake):
    fake.pulls, fake.lists_nothing = [pull(fake.kind, WANTED.branch, WANTED.base)], True
    assert await wait(fake) == 10


@pytest.mark.parametrize(
    ("branch", "base", "source"),
    [
        ("groundswell/landing", "main", 8),
        ("groundswell/landing", "main", None),
        ("other", "main", 7),
        ("groundswell/landing", "next", 7),
    ],
)
async def test_one_from_a_fork_or_between_other_branches_is_not_ours(fake, branch, base, source):
    fake.pulls = [pull(fake.kind, branch, base, source=source)]
    assert await forge(fake).open(WANTED) == "https://forge.example/acme/shop/pull/2"


async def test_gitlab_is_given_no_commands(serve):
    gitlab = serve("gitlab")
    body = "and/or\n/approve\n  /label ~x\n"
    await forge(gitlab).open(replace(WANTED, body=body))
    assert gitlab.pulls
    assert gitlab.written()[0].body["description"] == "and/or\n\\/approve\n  \\/label ~x\n"


async def test_names_with_braces_are_only_names(fake):
    wanted = replace(WANTED, branch="a{base}", title="{token}", body="{0}")
    await forge(fake).open(wanted)
    body = fake.written()[0].body
    assert {"a{base}", "{token}", "{0}"} <= set(body.values())


@pytest.mark.parametrize(
    ("status", "words", "advice"),
    [
        (400, "refuses (400) a pull request from groundswell/landing to main", "Put right"),
        (401, "does not accept the token", "Set one that has not expired"),
        (403, "does not let the token open pull requests in acme/shop", "It needs the scope"),
        (404, "has no acme/shop that the token may see", "Is the target's remote right"),
        (410, "refuses (410)", "Put right"),
        (422, "refuses (422)", "Put right"),
    ],
)
@pytest.mark.parametrize("first", [(), (None,)])
async def test_a_refusal_says_what_is_wrong_and_what_to_do(fake, status, words, advice, first):
    problem = await refusal(fake, *first, Answer(status, {"message": "No   such\nluck"}))
    assert words in problem.message
    assert problem.message.endswith("It says: No such luck")
    assert advice in problem.hint


async def test_the_details_of_a_validation_are_told(serve):
    errors = [{"resource": "NewPullRequest", "field": "head", "code": "invalid"}]
    said = Answer(422, {"message": "Validation Failed", "errors": errors})
    problem = await refusal(serve("github"), None, said)
    assert '"field": "head", "code": "invalid"' in problem.message
    said = Answer(400, {"message": {"source_branch": ["does not exist"]}})
    problem = await refusal(serve("gitlab"), None, said)
    assert '{"source_branch": ["does not exist"]}' in problem.message


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>no</html>", b"[1]", b"\xff", b'{"message": 3}', b"[" * 100_000],
)
async def test_a_refusal_without_words_is_one_too(fake, body):
    assert "does not accept the token." in (await refusal(fake, Answer(401, body))).message


@pytest.mark.parametrize("status", [403, 429, 500, 502, 503])
@pytest.mark.parametrize("first", [(), (None,)])
async def test_the_server_says_how_long_to_wait(fake, status, first):
    said = Answer(status, {"message": "slow"}, {"Retry-After": "17"})
    assert await wait(fake, *first, said) == 17


@pytest.mark.parametrize(
    ("headers", "delay"),
    [
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW + 90), **LATER}, 90),
        ({"ratelimit-remaining": "0", "ratelimit-reset": str(NOW + 90), **LATER}, 90),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW - 90), **LATER}, 1),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW + 90)}, 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon", **LATER}, 60),
        ({"x-ratelimit-remaining": "0"}, 60),
        ({"Retry-After": formatdate(NOW + 30, usegmt=True), **LATER}, 30),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "-5"}, 60),
        ({"Retry-After": "9" * 400}, 86_400),
    ],
)
@pytest.mark.parametrize("status", [403, 429])
async def test_a_rate_limit_is_waited_for_by_the_servers_clock(fake, status, headers, delay):
    assert await wait(fake, Answer(status, {"message": "no"}, headers)) == delay


async def test_a_secondary_limit_without_headers_waits_a_minute(fake):
    said = Answer(403, {"message": "You have exceeded a secondary rate limit."})
    assert await wait(fake, said) == 60


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_a_broken_server_is_asked_again(fake, status):
    assert await wait(fake, Answer(status, b"<html>oops</html>")) == (60 if status == 408 else 10)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>Sign in</html>", b"\xff\xfe", b"null", b"{}", b"[[]]", b'[{"web_url": 1}]'),
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("first", [(), (None,)])
async def test_an_answer_that_makes_no_sense_is_asked_for_again(fake, body, first):
    assert await wait(fake, *first, Answer(200, body)) == 60


async def test_what_was_made_behind_a_garbled_answer_is_found_the_next_time(fake):
    await wait(fake, None, Answer(201, b"<garbage>"))
    fake.pulls = [pull(fake.kind, WANTED.branch, WANTED.base)]
    assert await forge(fake).open(WANTED) == "https://forge.example/acme/shop/pull/1"
    assert len(fake.written()) == 1


async def test_a_url_that_no_browser_opens_is_garbage(fake):
    made = pull(fake.kind, WANTED.branch, WANTED.base)
    for key in {"html_url", "web_url"} & set(made):
        made[key] = "javascript:alert(1)"
    assert await wait(fake, Answer(200, [made])) == 60


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("first", [(), (None,)])
async def test_the_token_does_not_follow_a_redirect(fake, serve, status, first):
    elsewhere = serve(fake.kind)
    to = {"Location": f"{elsewhere.url}/api/repos/new/shop/pulls"}
    problem = await refusal(fake, *first, Answer(status, {"message": "StateTransition"}, to))
    assert "has moved acme/shop" in problem.message
    assert elsewhere.asked == []


async def test_a_server_that_says_nothing_is_given_up_for_now(fake):
    fake.mute = True
    with pytest.raises(Transient, match="does not answer at http://127"):
        await forge(fake, timeout=0.1).open(WANTED)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_that_is_not_there_is_asked_again(kind):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(Transient, match="ConnectError"):
            await RestForge(kind, TOKEN, url).open(WANTED)


@pytest.mark.parametrize(
    ("remote", "host", "path"),
    [
        ("https://github.com/o/r", "github.com", "o/r"),
        ("https://github.com/o/r.git", "github.com", "o/r"),
        ("https://github.com/o/r.git/", "github.com", "o/r"),
        ("HTTPS://GitHub.com/o/R.x.git", "github.com", "o/R.x"),
        ("https://me:s3cret@github.com/o/r.git", "github.com", "o/r"),
        ("https://s3cret@code.example:8443/a/b/c/r.git", "code.example", "a/b/c/r"),
        ("git@github.com:o/r.git", "github.com", "o/r"),
        ("github.com:o/r", "github.com", "o/r"),
        ("git@code.example:a/b/c/r.git", "code.example", "a/b/c/r"),
        ("git@code.example:/a/r.git", "code.example", "a/r"),
        ("ssh://git@ssh.github.com:443/o/r.git", "ssh.github.com", "o/r"),
        ("ssh://git@[::1]:22/o/r.git", "::1", "o/r"),
        ("/srv/shop.git", "", ""),
        ("file:///srv/shop.git", "", ""),
        ("c:/shops/shop.git", "", ""),
        ("https://[broken/o/r", "", ""),
        ("me:s3cret@github.com:o/r", "", ""),
    ],
)
def test_a_remote_names_its_host_and_its_project(remote, host, path):
    assert parse_remote(remote) == (host, path)


@pytest.mark.parametrize(
    ("kind", "remote"),
    [
        ("github", "https://me:s3cret@github.com/o"),
        ("github", "https://me:s3cret@github.com/a/b/r"),
        ("github", "https://me:s3cret@github.com/o/.."),
        ("github", "https://me:s3cret@github.com/../r"),
        ("github", "https://me:s3cret@github.com/o/r%2fx"),
        ("github", "https://me:s3cret@[broken/o/r"),
        ("github", "https://me:s3cret@gith\N{DOUBLE QUESTION MARK}ub.com/o/r"),
        ("github", "me:s3cret@github.com/o/r"),
        ("github", "https://me:s3cret@code.example/o/r"),
        ("gitlab", "https://me:s3cret@github.com/o/r"),
        ("gitlab", "https://me:s3cret@gitlab.com/r"),
        ("gitlab", "/srv/s3cret.git"),
    ],
)
async def test_a_remote_that_is_no_project_there_is_refused_without_showing_it(kind, remote):
    with pytest.raises(Rejected) as caught:
        await RestForge(kind, TOKEN).open(replace(WANTED, remote=remote))
    assert caught.value.code == "forge_remote"
    assert "s3cret" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("status", [401, 404, 422, 429, 500, 301])
async def test_no_secret_is_in_an_error_or_a_log(fake, status, caplog):
    caplog.set_level(logging.DEBUG)
    wanted = replace(WANTED, remote="https://me:s3cret@github.com/acme/shop.git")
    fake.first = [Answer(status, {"message": f"I know {TOKEN}"})]
    with pytest.raises((Rejected, Transient)) as caught:
        await forge(fake).open(wanted)
    shown = f"{caught.value} {caught.value!r} {wanted!r} {caplog.text}"
    assert "s3cret" not in shown
    assert TOKEN not in shown


@pytest.mark.parametrize(
    "token", ["", "  ", "two words", "line\nbreak", "t\N{LATIN SMALL LETTER O WITH DIAERESIS}ken"]
)
def test_a_token_that_is_none_is_refused_without_showing_it(token):
    with pytest.raises(Rejected, match="token is empty or has odd characters") as caught:
        RestForge("github", token)
    assert not token.strip() or token not in str(caught.value)


def test_a_token_may_end_with_its_files_line():
    RestForge("github", f"{TOKEN}\n")


@pytest.mark.parametrize("url", ["code.example/api", "ftp://x/api", "https://me:s3cret@x/api"])
def test_an_api_that_is_no_plain_url_is_refused(url):
    with pytest.raises(Rejected, match=re.escape("API is no http url")) as caught:
        RestForge("gitlab", TOKEN, url)
    assert "s3cret" not in str(caught.value)
