"""What the REST APIs of GitHub and GitLab do differently, as data."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import AliasChoices, AliasPath, BaseModel, Field

NAME = r"(?!\.\.?(?:/|$))[A-Za-z0-9_.-]+"


class ForgePullRequest(BaseModel):
    """A pull request as either forge describes it; `source` and `target` are project ids."""

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

    def has_texts(self, texts: Mapping[str, str]) -> bool:
        """Return True if it has this title and this body already."""
        return list(texts.values()) == [self.title, self.body or ""]

    def is_between(self, branch: str, base: str) -> bool:
        """Return True if it is between these branches of one project, and not from a fork."""
        return (self.branch, self.base, self.source) == (branch, base, self.target)


@dataclass(frozen=True)
class ForgeDialect:
    """The API of one kind of forge.

    `path`, `query`, `body`, `texts` and `headers` are templates. `texts` are the parts of the body
    that can be updated later, by the HTTP method `update_method`. `exists` is the status and a part
    of the message by which the forge reports that the pull request exists already. It has a field
    for each difference, and therefore more than twelve.
    """

    name: str
    hosts: frozenset[str]
    api: str
    project: re.Pattern[str]
    needs: str
    headers: Mapping[str, str]
    path: str
    query: Mapping[str, str]
    body: Mapping[str, str]
    texts: Mapping[str, str]
    update_method: str
    exists: tuple[int, str]


# https://docs.github.com/en/rest/pulls/pulls
GITHUB = ForgeDialect(
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
    path="repos/{project}/pulls",
    query={"state": "open", "head": "{owner}:{branch}", "base": "{base}", "per_page": "100"},
    body={"head": "{branch}", "base": "{base}"},
    texts={"title": "{title}", "body": "{body}"},
    update_method="PATCH",
    exists=(422, "pull request already exists"),
)
# https://docs.gitlab.com/api/merge_requests/
BETWEEN = {"source_branch": "{branch}", "target_branch": "{base}"}
GITLAB = ForgeDialect(
    name="GitLab",
    hosts=frozenset({"gitlab.com", "www.gitlab.com", "altssh.gitlab.com"}),
    api="https://gitlab.com/api/v4",
    project=re.compile(f"{NAME}(?:/{NAME})+"),
    needs="It needs the scope 'api' and the role Developer.",
    headers={"Accept": "application/json", "PRIVATE-TOKEN": "{token}"},
    path="projects/{quoted}/merge_requests",
    query={"state": "opened", **BETWEEN, "per_page": "100"},
    body=BETWEEN,
    texts={"title": "{title}", "description": "{escaped_body}"},
    update_method="PUT",
    exists=(409, ""),
)
DIALECTS = {"github": GITHUB, "gitlab": GITLAB}
