"""The texts of a target that its components own and that a patch may touch."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.detectors.ports import Source
from shared.kernel.syntax import MAX_SOURCE_LENGTH
from shared.targets.left_alone import LeftAlone
from shared.targets.paths import is_protected

MAX_NAMED_FILES = 3
TOO_LONG = f"longer than {MAX_SOURCE_LENGTH:,} characters"


@dataclass(frozen=True)
class OwnedTexts:
    """Texts by path, and the paths of those left alone with the reason."""

    texts: Mapping[str, str]
    left_alone: Mapping[str, str]

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that tell which files are left alone."""
        by_reason: dict[str, list[str]] = defaultdict(list)
        for path, reason in self.left_alone.items():
            by_reason[reason].append(path)
        return tuple(_note(reason, sorted(paths)) for reason, paths in sorted(by_reason.items()))


def owned_texts(source: Source, is_wanted: Callable[[str], bool] = lambda _: True) -> OwnedTexts:
    """Return the wanted files of all components that are UTF-8 and that a patch may touch.

    `is_wanted` decides by the path. What no component owns may be left alone, too, and so are
    files that are too long to be analysed.
    """
    texts, left_alone = {}, {}
    untouched = LeftAlone(source.tree)
    for path in source.tree.files():
        if not is_wanted(path) or is_protected(path, source.profile.config):
            continue
        reason, text = untouched.by_path(path), None
        if not reason and source.component(path):
            text = source.text(path)
            reason = "" if text is None else _reason(untouched, path, text)
        if reason:
            left_alone[path] = reason
        elif text is not None:
            texts[path] = text
    return OwnedTexts(texts, left_alone)


def _reason(untouched: LeftAlone, path: str, text: str) -> str:
    """Return why a file with this text is left alone; empty if it is not."""
    return TOO_LONG if len(text) > MAX_SOURCE_LENGTH else untouched.reason(path, text)


def _note(reason: str, paths: list[str]) -> str:
    """Return a sentence on the files that are left alone for one reason."""
    named = ", ".join(paths[:MAX_NAMED_FILES])
    more = len(paths) - MAX_NAMED_FILES
    listed = f"{named} and {more} more" if more > 0 else named
    return f"Left alone as {reason}: {listed}."
