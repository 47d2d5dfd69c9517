"""The detector of what other tools found, in logs that somebody imported."""

from collections.abc import Collection
from typing import ClassVar

from shared.detectors.ports import DetectorResources, Measured, Source
from shared.detectors.sarif.placing import place_findings


class ImportedFindingsDetector:
    """Finds again what the imported logs of a target report, as long as its line is there."""

    name: ClassVar[str] = "imported"
    tool: ClassVar[str] = "sarif"
    version: ClassVar[str] = "imported-2"
    files: ClassVar[tuple[str, ...]] = ("*",)
    single_file: ClassVar[bool] = False
    security: ClassVar[bool] = False
    runs_target_code: ClassVar[bool] = False

    def __init__(self, resources: DetectorResources) -> None:
        self._imports = resources.imports

    async def edition(self, target_id: str) -> str:
        """Return what tells apart the times before and after each import; empty at first."""
        return await self._imports.edition(target_id) if self._imports is not None else ""

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return what is still there, or of that what is in the files `paths`.

        Another detector counts the lines.
        """
        if self._imports is None:
            return Measured((), {})
        reported = await self._imports.reported(source.target_id)
        found, notes = place_findings(reported, source, imported=True)
        said = tuple(f"Imported findings: {each}" for each in notes)
        return Measured(tuple(e for e in found if paths is None or e.path in paths), {}, said)
