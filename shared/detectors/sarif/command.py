"""Findings by commands of a target that print SARIF, such as its own linters."""

from collections.abc import Callable, Collection, Sequence
from typing import ClassVar

from shared.contracts.documents.findings import Finding
from shared.detectors.ports import DetectorResources, Measured, Source
from shared.detectors.sarif.placing import place_findings
from shared.detectors.sarif.reading import read_sarif
from shared.kernel.errors import Rejected, ToolFailed

MAX_SAID_CHARACTERS = 300


class SarifCommandDetector:
    """Runs the commands that `commands_of` reads from a target, and reads what each prints.

    What they find has no fix, and is to become advice.
    """

    name: ClassVar[str] = "sarif_command"
    tool: ClassVar[str] = "sarif"
    version: ClassVar[str] = "sarif-1"
    files: ClassVar[tuple[str, ...]] = ("*",)
    single_file: ClassVar[bool] = False
    security: ClassVar[bool] = False
    runs_target_code: ClassVar[bool] = True

    def __init__(
        self, resources: DetectorResources, commands_of: Callable[[Source], Sequence[str]]
    ) -> None:
        self._commands = resources.commands
        self._commands_of = commands_of

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return what the commands report, or of that what is in the files `paths`.

        Another detector counts the lines. Raises `ToolFailed` where a command prints no SARIF.
        """
        findings: list[Finding] = []
        notes: list[str] = []
        for command in self._commands_of(source) if self._commands is not None else ():
            found, more = await self._run(source, command)
            findings += [each for each in found if paths is None or each.path in paths]
            notes += more
        return Measured(tuple(findings), {}, tuple(notes))

    async def _run(self, source: Source, command: str) -> tuple[list[Finding], list[str]]:
        """Return what one command reports, and sentences on what of it is left out."""
        assert self._commands is not None
        ran = await self._commands.capture(source, command)
        try:
            reported, notes = read_sarif(ran.printed, ran.folder)
        except Rejected as error:
            said = " ".join(ran.said.split())[-MAX_SAID_CHARACTERS:]
            why = said or error.message.partition(": ")[2]
            raise ToolFailed(
                f"`{command}` printed no SARIF 2.1.0 log (exit code {ran.exit_code}): {why}",
                hint="Mend it, or take it out of groundswell.toml. Its standard output must be "
                "the log, and nothing else.",
                code="no_sarif",
            ) from error
        found, left_out = place_findings(reported, source)
        return found, [f"`{command}`: {each}" for each in (*notes, *left_out)]
