"""The workspace of a detector that has none of its own: it measures trees anew."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace

from shared.detectors.overlay import OverlayTree
from shared.detectors.ports import Detector, FixableFinding, Source
from shared.targets.languages import language_by_name


class MeasuringWorkspace:
    """`Workspace` over `Detector.measure`. It formats nothing.

    Its methods are called from a thread other than that of `loop`, on which the detector runs.
    """

    def __init__(
        self,
        detector: Detector,
        source: Source,
        files: Mapping[str, str],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._detector = detector
        self._source = source
        self._files = dict(files)
        self._loop = loop

    def write(self, files: Mapping[str, str]) -> None:
        """Replace the texts of these files."""
        self._files.update(files)

    def find(self, rules: Collection[str]) -> list[FixableFinding]:
        """Return the findings of these rules in the files, without edits that fix them."""
        changes = {path: text.encode() for path, text in self._files.items()}
        source = replace(self._source, tree=OverlayTree(self._source.tree, changes))
        measuring = self._detector.measure(source, tuple(self._files))
        found = asyncio.run_coroutine_threadsafe(measuring, self._loop).result()
        return [FixableFinding(each) for each in found.findings if each.rule in rules]

    def parses(self, path: str) -> bool:
        """Return whether a file is valid in its language; true if that is not known."""
        language = language_by_name(path)
        return language is None or language.is_valid(self._files[path].encode())

    def format(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return the texts unchanged."""
        return dict(files)
