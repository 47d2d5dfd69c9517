"""What a running n8n showed of a change of workflows, and where it was released."""

from typing import Literal

from shared.contracts.base import Sha256, Value


class WorkflowCheck(Value):
    """How workflows of a change behaved in a running n8n with pinned data, old against new.

    same: each node that ran returned the same · different: `nodes` did not · refused: n8n takes the
    old version and not the new one · unmeasured: nothing could be compared, for the reason in
    `summary`. `content` is the digest of what was compared.
    """

    state: Literal["same", "different", "refused", "unmeasured"]
    summary: str
    content: Sha256
    nodes: tuple[str, ...] = ()

    @property
    def evidence(self) -> str:
        """What is known, for commit messages and people."""
        said = {
            "unmeasured": "what it does in n8n was not measured: ",
            "different": "it does something else in n8n: ",
        }
        return said.get(self.state, "") + self.summary


class WorkflowRelease(Value):
    """One workflow of a landed change in a running n8n.

    `before` is the version that was published there, empty if none was, and `version` the one that
    was made of the change. wanted: not there yet · draft: saved and not published · published ·
    refused: for the `reason` · undone: `before` is published again.
    """

    path: str
    workflow: str
    state: Literal["wanted", "draft", "published", "refused", "undone"]
    before: str = ""
    version: str = ""
    reason: str = ""

    @property
    def words(self) -> str:
        """The release in words."""
        said = {
            "wanted": "not in n8n yet",
            "draft": "a draft in n8n",
            "published": "published in n8n",
            "refused": "not put into n8n",
            "undone": "taken back in n8n",
        }
        because = f": {self.reason}" if self.reason else ""
        return f"{self.path} (workflow {self.workflow or 'without id'}) {said[self.state]}{because}"
