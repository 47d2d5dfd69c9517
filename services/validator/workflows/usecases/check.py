"""Checks the workflows of a change in a running n8n, and stores what that showed."""

import asyncio
import hashlib
from collections.abc import Sequence

from services.validator.deps import ValidatorDeps
from services.validator.prepared import PreparedHead
from services.validator.workflows.domain.harness import NotRunnable
from services.validator.workflows.domain.pairs import WorkflowPair, differing_workflows
from services.validator.workflows.ports import WorkflowServer
from services.validator.workflows.usecases.compare import Comparison, compare_workflow
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.workflows import WorkflowCheck
from shared.kernel.errors import GroundswellError
from shared.targets.languages import WORKFLOW

# One change may take so long; what has not been compared by then was not measured.
MAX_CHECK_SECONDS = 300.0
# The first of these states that any workflow of a change has is that of the change.
STATES = ("refused", "different", "unmeasured", "same")


async def check_change(
    change: Enhancement, trees: tuple[str, str], prepared: PreparedHead, deps: ValidatorDeps
) -> WorkflowCheck | None:
    """Check the workflows that a change, which leads from one tree to the other, edits or adds.

    Returns None where n8n is not configured, or the change touches no workflow. What was measured
    of the same contents before is not measured again.
    """
    paths = [each for each in change.proposal.files if WORKFLOW.has_suffix(each)]
    if deps.workflow_server is None or not paths:
        return None
    repository = deps.repository(prepared.target)
    versions = await asyncio.to_thread(repository.versions, trees, paths)
    texts = {path: (_text(old), _text(new)) for path, (old, new) in sorted(versions.items())}
    content = hashlib.sha256(repr(texts).encode()).hexdigest()
    known = change.decision.workflows
    if known is not None and known.content == content and known.state != "unmeasured":
        return known
    found = await _compare_all(deps.workflow_server, texts, deps)
    if not found:
        return None
    check = _check(found, content)
    await deps.store.enhancements.set_fields(change.id, decision__workflows=check)
    return check


async def _compare_all(
    server: WorkflowServer, texts: dict[str, tuple[str | None, str | None]], deps: ValidatorDeps
) -> list[Comparison]:
    """Compare every workflow that differs, one after the other; none for files of another kind."""
    found: list[Comparison] = []
    try:
        pairs = [each for path, both in texts.items() for each in _pairs(path, both)]
        async with asyncio.timeout(MAX_CHECK_SECONDS):
            for each in pairs:
                compared = await compare_workflow(server, each, deps.clock())
                found.append(compared)
    except TimeoutError:
        found.append(Comparison("unmeasured", "it takes too long"))
    except (GroundswellError, NotRunnable) as error:
        found.append(Comparison("unmeasured", str(error)))
    return found


def _pairs(path: str, texts: tuple[str | None, str | None]) -> list[WorkflowPair]:
    """Return the workflows of a file that differ. Raises `NotRunnable` where it is unreadable."""
    return differing_workflows(path, *texts)


def _check(found: Sequence[Comparison], content: str) -> WorkflowCheck:
    """Return the check of a change by what its workflows showed: the worst of them."""
    state = next(each for each in STATES if any(one.state == each for one in found))
    worst = [each for each in found if each.state == state]
    return WorkflowCheck(
        state=state,
        summary=". ".join(each.summary for each in worst),
        content=content,
        nodes=tuple(name for each in worst for name in each.nodes),
    )


def _text(content: bytes | None) -> str | None:
    """Return a file as a text; None if it does not exist."""
    return content.decode(errors="replace") if content is not None else None
