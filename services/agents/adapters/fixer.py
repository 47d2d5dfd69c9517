"""The target's own repairing command, such as its linter's --fix: run on a copy, in the sandbox."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import structlog

from services.agents.domain.proposals import Change
from shared.detectors.ports import Source
from shared.environments.ports import Environment, Environments
from shared.kernel.errors import Rejected
from shared.sandbox.ports import Command, Limits, Sandbox
from shared.sandbox.scratch import Scratch
from shared.targets.components import component_of
from shared.targets.paths import is_protected
from shared.targets.tree import GitTree

log = structlog.get_logger(__name__)

TIMEOUT = 600.0
REMEMBERED = 4
LARGEST = 1 << 20


class Fixer:
    """What the command would change, by path; remembered for the last few trees."""

    def __init__(
        self,
        scratch: Scratch,
        sandbox: Callable[[], Awaitable[Sandbox]],
        environments: Callable[[], Awaitable[Environments]],
    ) -> None:
        self._scratch = scratch
        self._sandbox = sandbox
        self._environments = environments
        self._known: OrderedDict[tuple[str, str], Mapping[str, Change]] = OrderedDict()
        self._lock = asyncio.Lock()

    async def repair(self, source: Source) -> Mapping[str, Change]:
        """Texts before and after, of the components' files; nothing where the target has no such command."""
        if not source.profile.fix:
            return {}
        async with self._lock:
            key = (source.tree.oid, source.profile.fix)
            if key not in self._known:
                self._known[key] = await self._run(source)
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
            return self._known[key]

    async def _run(self, source: Source) -> Mapping[str, Change]:
        sandbox = await self._sandbox()
        environments = await self._environments()
        environment = await environments.prepare(source.target_id, source.profile, source.tree.oid)
        before = repairable(source)
        async with self._scratch.workspace() as room:
            command = await asyncio.to_thread(_prepare, room, source, environment, tuple(before))
            completed = await sandbox.run(command)
        # A linter also fails because of what it cannot repair.
        log.info("fixer_ran", command=source.profile.fix, exit_code=completed.exit_code)
        if completed.abort_reason:
            raise Rejected(
                f"The target's own command failed: {source.profile.fix}: {completed.abort_reason}",
                hint="Mend it, or set [code_quality] fix in groundswell.toml.",
                code="fix_failed",
            )
        after = {path: _text(content) for path, content in completed.results.items()}
        return {
            path: (text, now)
            for path, text in before.items()
            if (now := after.get(path)) is not None and now != text
        }


def repairable(source: Source) -> dict[str, str]:
    """The texts of the components' files that a patch may touch."""
    found = {}
    for path in source.tree.files():
        if is_protected(path, source.profile.config):
            continue
        if component_of(path, source.profile.components) is None:
            continue
        text = _text(source.tree.read(path) or b"")
        if text is not None:
            found[path] = text
    return found


def _prepare(
    room: Path, source: Source, environment: Environment, paths: tuple[str, ...]
) -> Command:
    assert isinstance(source.tree, GitTree)
    source.tree.export(room / "tree")
    (room / "run").mkdir()
    environment.link_packages(room)
    return Command(
        argv=("sh", "-c", source.profile.fix),
        tree=room / "tree",
        scratch=room / "run",
        path=(environment.bin,),
        readable=environment.readable,
        results=paths,
        limits=Limits(wall=TIMEOUT, report=LARGEST),
    )


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
