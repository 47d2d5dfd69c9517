"""What the detectors have in common that run code of a target and read what it prints."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import ClassVar

from services.agents.types.performance.section import rule_choice, section
from shared.detectors.failures import failure_note, is_tool_failure
from shared.detectors.ports import DetectorResources, Measured, Source, TargetCommands


class MeasuringDetector(ABC):
    """Gives advice on what a command of the target, run in the sandbox, shows to be slow.

    A target that wants no advice, or not that of the rule `code`, has none of its code run. Where a
    run fails, a note says so in place of findings.
    """

    name: ClassVar[str]
    tool: ClassVar[str]
    code: ClassVar[str]
    version: ClassVar[str]
    files: ClassVar[tuple[str, ...]] = ("*.py",)
    single_file: ClassVar[bool] = False
    security: ClassVar[bool] = False
    runs_target_code: ClassVar[bool] = True

    def __init__(self, resources: DetectorResources) -> None:
        self._commands = resources.commands

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return the findings, of these paths if given; a note where nothing could be measured."""
        wanted = section(source).advice and rule_choice(source).includes(self.code)
        if self._commands is None or not wanted:
            return Measured((), {})
        try:
            found = await self.run(source, self._commands)
        except Exception as error:
            if not is_tool_failure(error):
                raise
            return Measured((), {}, (failure_note(self.name, error),))
        mine = tuple(each for each in found.findings if paths is None or each.path in paths)
        return Measured(mine, {}, found.notes)

    @abstractmethod
    async def run(self, source: Source, commands: TargetCommands) -> Measured:
        """Return all findings, or a note that says why there are none. Raises what a tool does."""
