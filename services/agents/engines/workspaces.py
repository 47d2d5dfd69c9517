"""The workspaces of several detectors as one, so that a fix of one may follow that of another."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

import structlog

from shared.detectors.failures import is_tool_failure
from shared.detectors.ports import Detector, FixableFinding, Workspace
from shared.targets.paths import matches

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class DetectorWorkspace:
    """A workspace with the detector that it is of; it only has files that this detector reads."""

    detector: Detector
    workspace: Workspace

    def read_by(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return only the files that the detector reads."""
        return {path: text for path, text in files.items() if matches(path, self.detector.files)}


class CombinedWorkspace:
    """`Workspace` over those of several detectors, and without one once that has failed.

    Where the last one fails, its exception is passed on.
    """

    def __init__(self, parts: Sequence[DetectorWorkspace]) -> None:
        self._parts = list(parts)

    def write(self, files: Mapping[str, str]) -> None:
        """Replace the texts of these files."""
        for each in tuple(self._parts):
            with self._expendable(each):
                each.workspace.write(each.read_by(files))

    def find(self, rules: Collection[str]) -> list[FixableFinding]:
        """Return the findings of these rules, in the order of paths and lines."""
        found: list[FixableFinding] = []
        for each in tuple(self._parts):
            mine = [rule for rule in rules if rule.startswith(f"{each.detector.tool}:")]
            if mine:
                with self._expendable(each):
                    found += each.workspace.find(mine)
        return sorted(found, key=lambda each: (each.finding.path, each.finding.line))

    def parses(self, path: str) -> bool:
        """Return whether a file is valid for each detector that reads it."""
        valid = []
        for each in tuple(self._parts):
            if matches(path, each.detector.files):
                with self._expendable(each):
                    valid.append(each.workspace.parses(path))
        return all(valid)

    def format(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return these texts as the target's formatters write them."""
        texts = dict(files)
        for each in tuple(self._parts):
            with self._expendable(each):
                texts |= each.workspace.format(each.read_by(texts))
        return texts

    @classmethod
    @contextmanager
    def opened(
        cls, openers: Sequence[tuple[Detector, AbstractContextManager[Workspace]]]
    ) -> Iterator["CombinedWorkspace"]:
        """Open the workspaces of these detectors; they are closed on exit.

        Where all of them fail, the last one's exception is passed on.
        """
        with ExitStack() as stack:
            combined = cls([])
            for number, (detector, opener) in enumerate(openers, 1):
                try:
                    part = DetectorWorkspace(detector, stack.enter_context(opener))
                except Exception as error:
                    is_last = number == len(openers) and not combined._parts
                    if is_last or not is_tool_failure(error):
                        raise
                    log.exception("detector_failed", detector=detector.name)
                else:
                    combined._parts.append(part)
            yield combined

    @contextmanager
    def _expendable(self, part: DetectorWorkspace) -> Iterator[None]:
        """Leave a workspace out from now on if the block fails, unless it is the last one."""
        try:
            yield
        except Exception as error:
            if len(self._parts) == 1 or not is_tool_failure(error):
                raise
            log.exception("detector_failed", detector=part.detector.name)
            self._parts.remove(part)
