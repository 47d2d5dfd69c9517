"""What a running n8n showed of a change of workflows, and what was put into it."""

from datetime import datetime
from typing import Literal

from shared.contracts.base import Id, Oid, Sha256, Value
from shared.contracts.documents.base import Document
from shared.contracts.states import ReleaseState


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


class WorkflowRelease(Document):
    """One workflow that a landed change edits, put into a running n8n.

    `workflow` is its id there and `path` the file it is in. `before` is the version that was
    published when it was first tried, empty if none was, and `release` the version made of the
    change. The texts of the file without and with the change are those at `base` and `commit`;
    `reverted` is the commit that rolled the change back, and `reason` says why n8n does not have
    it. One field per thing that a process needs to know which continues it.
    """

    enhancement_id: Id
    target_id: Id
    path: str
    workflow: str
    base: Oid
    commit: Oid
    state: ReleaseState = ReleaseState.WANTED
    before: str = ""
    release: str = ""
    reverted: Oid | None = None
    reason: str = ""
    created_at: datetime
    changed_at: datetime

    @property
    def words(self) -> str:
        """What became of it, in words."""
        because = f": {self.reason}" if self.reason else ""
        return (
            f"{self.path} (workflow {self.workflow or 'without id'}) {WORDS[self.state]}{because}"
        )


WORDS = {
    ReleaseState.WANTED: "is not in n8n yet",
    ReleaseState.DRAFT: "is a draft in n8n",
    ReleaseState.PUBLISHED: "is published in n8n",
    ReleaseState.REFUSED: "was not changed in n8n",
    ReleaseState.UNDOING: "is not taken back in n8n yet",
    ReleaseState.UNDONE: "is taken back in n8n",
}
