"""The detector over rules of ast-grep."""

import asyncio
import hashlib
import importlib.metadata
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from shared.contracts.documents.findings import Finding
from shared.detectors.astgrep.process import MAX_MATCHES, AstGrepMatch, run_ast_grep
from shared.detectors.astgrep.rules import VARIANT, AstGrepRule, AstGrepRules
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.ports import FixableFinding, Measured, Source, Workspace
from shared.detectors.sources import owned_texts
from shared.detectors.texts import Edit, Edits, line_at, split_lines
from shared.targets.languages import JAVASCRIPT, language_by_name
from shared.targets.paths import matches

MAX_REMEMBERED_FILES = 8192
# Nobody edits files with such lines, and what matches in them is printed with its line.
MAX_LINE_CHARACTERS = 5_000
DISTRIBUTION = "ast-grep-cli"
SYNTAX_ERRORS = AstGrepRules(
    {
        f"{each}.yml": f"id: {each}\nlanguage: {each}\nrule: {{kind: ERROR}}\n"
        for each in ("JavaScript", "TypeScript", "Tsx")
    },
    {"syntax-error": AstGrepRule("syntax-error")},
)

# (source) -> the rules that a target wants to be looked for.
RulesOf = Callable[[Source], AstGrepRules]
# (text, match) -> whether it counts.
Accepts = Callable[[str, AstGrepMatch], bool]
# (text, match) -> what to put in its place, where the rule itself does not know.
Replacement = Callable[[str, AstGrepMatch], str | None]


def accept_all(_text: str, _match: AstGrepMatch) -> bool:
    """Accept every match."""
    return True


class AstGrepDetector:
    """Findings by rules of ast-grep in the files that `files` cover.

    `rules_of` chooses the rules; `accepts` has the last word on what they match. With `advises`,
    what has no fix is to become advice. What is found in a file is remembered, by its text.
    """

    single_file: ClassVar[bool] = True
    security: ClassVar[bool] = False
    runs_target_code: ClassVar[bool] = False

    def __init__(
        self,
        tool: str,
        scratch: Path,
        rules_of: RulesOf,
        files: tuple[str, ...],
        *,
        accepts: Accepts = accept_all,
        replacement: Replacement = lambda _, match: match.replacement,
        advises: bool = False,
    ) -> None:
        self.name = self.tool = tool
        self.files = files
        self._scratch = scratch
        self._rules_of = rules_of
        self._accepts = accepts
        self._replacement = replacement
        self._advises = advises
        self._known: OrderedDict[tuple[str, str, str], tuple[AstGrepMatch, ...]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def version(self) -> str:
        """The version of ast-grep, under the name of the tool."""
        return f"{self.tool}-{importlib.metadata.version(DISTRIBUTION)}"

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return the findings in the components' files, or in the files `paths` alone.

        Another detector counts the lines. Raises `Rejected` for rules that cannot be used.
        """
        return await asyncio.to_thread(self._measure, source, paths)

    def _measure(self, source: Source, paths: Collection[str] | None) -> Measured:
        """Measure the files; it blocks."""
        rules = self._rules_of(source)
        if not rules.rules:
            return Measured((), {})
        if paths is None:
            texts = dict(owned_texts(source, self._reads).texts)
        else:
            texts = source.texts(each for each in paths if self._reads(each))
        long = sorted(path for path, text in texts.items() if _has_long_line(text))
        for each in long:
            del texts[each]
        found, is_complete = self._find(source, texts, rules)
        notes = _notes(long, is_complete=is_complete) if paths is None else ()
        return Measured(tuple(each.finding for each in found), {}, notes)

    def _reads(self, path: str) -> bool:
        """Return whether a file is one that this detector reads."""
        return matches(path, self.files)

    @contextmanager
    def open_workspace(self, source: Source, files: Mapping[str, str]) -> Iterator[Workspace]:
        """Open a workspace with these files."""
        rules = self._rules_of(source)
        yield AstGrepWorkspace(
            files, lambda texts: self._find(source, texts, rules)[0], self._count_errors
        )

    def _count_errors(self, path: str, text: str) -> int:
        """Return how many places of a file cannot be parsed; 0 where that is not known."""
        if not JAVASCRIPT.has_suffix(path):
            return 0
        return len(self._matches({path: text}, SYNTAX_ERRORS)[0][path])

    def _find(
        self, source: Source, texts: Mapping[str, str], rules: AstGrepRules
    ) -> tuple[list[FixableFinding], bool]:
        """Return what the rules find in files in order, and whether that is all of it."""
        readable = {p: t for p, t in texts.items() if not _has_long_line(t)}
        matched, is_complete = self._matches(readable, rules)
        return [
            each
            for path, text in sorted(readable.items())
            for each in self._findings(source, path, text, matched[path], rules)
        ], is_complete

    def _matches(
        self, texts: Mapping[str, str], rules: AstGrepRules
    ) -> tuple[dict[str, tuple[AstGrepMatch, ...]], bool]:
        """Return the matches in each file, of unknown ones by ast-grep, and whether all are there.

        Where there are too many, what is found is not remembered.
        """
        keys = {path: (rules.digest, path, _digest(text)) for path, text in texts.items()}
        with self._lock:
            found = {p: self._known[key] for p, key in keys.items() if key in self._known}
        unknown = {path: text for path, text in texts.items() if path not in found}
        if not unknown or not rules.rules:
            return {**dict.fromkeys(texts, ()), **found}, True
        matched = run_ast_grep(self._scratch, unknown, rules.files)
        by_path: dict[str, list[AstGrepMatch]] = defaultdict(list)
        for each in matched[:MAX_MATCHES]:
            by_path[each.path.removeprefix("./")].append(each)
        new = {path: tuple(by_path[path]) for path in unknown}
        if len(matched) <= MAX_MATCHES:
            self._remember({keys[path]: each for path, each in new.items()})
        return found | new, len(matched) <= MAX_MATCHES

    def _remember(self, found: Mapping[tuple[str, str, str], tuple[AstGrepMatch, ...]]) -> None:
        """Remember what is found in files, and forget the oldest ones."""
        with self._lock:
            self._known.update(found)
            while len(self._known) > MAX_REMEMBERED_FILES:
                self._known.popitem(last=False)

    def _findings(
        self,
        source: Source,
        path: str,
        text: str,
        matched: Sequence[AstGrepMatch],
        rules: AstGrepRules,
    ) -> Iterator[FixableFinding]:
        """Yield the accepted matches in a file as findings with their edits."""
        fingerprints, lines = Fingerprints(), split_lines(text) if matched else []
        for match in matched:
            rule = rules.rules.get(match.rule.partition(VARIANT)[0])
            if rule is None or not self._accepts(text, match):
                continue
            edits = self._edits(text, match)
            line = line_at(lines, match.range.start.line + 1)
            key = fingerprints.next(self.tool, rule.id, path, line)
            yield FixableFinding(self._finding(source, rule, match, key, bool(edits)), edits)

    def _finding(
        self, source: Source, rule: AstGrepRule, match: AstGrepMatch, key: str, has_fix: bool
    ) -> Finding:
        """Return one match as a finding with the fingerprint `key`."""
        path = match.path.removeprefix("./")
        is_fixable = has_fix and source.profile.config.policy.unsafe_fixes
        said = match.message.strip() or rule.message or f"This matches {rule.id}."
        if not is_fixable:
            said = f"{said} {rule.note}"
        return Finding(
            rule=rule_id(self.tool, rule.id),
            severity=rule.severity,
            message=" ".join(said.split()),
            path=path,
            line=match.range.start.line + 1,
            end_line=match.range.end.line + 1,
            help_uri=rule.url,
            fingerprint=key,
            component=source.component(path),
            fixable="unsafe" if is_fixable else "no",
            advice=self._advises and not is_fixable,
            tool=self.tool,
        )

    def _edits(self, text: str, match: AstGrepMatch) -> Edits:
        """Return what the rule's fix does to the text; nothing without a fix."""
        new = self._replacement(text, match)
        if new is None:
            return ()
        span, content = match.replaced or match.range.span, text.encode()
        start, end = (len(content[:at].decode()) for at in (span.start, span.end))
        if not new.strip():
            start, end, new = _whole_lines(text, start, end)
        return (Edit(_place(text, start), _place(text, end), new),)


class AstGrepWorkspace:
    """`Workspace` over texts in memory. It formats nothing."""

    def __init__(
        self,
        files: Mapping[str, str],
        find: Callable[[Mapping[str, str]], list[FixableFinding]],
        count_errors: Callable[[str, str], int],
    ) -> None:
        self._original = dict(files)
        self._files = dict(files)
        self._find = find
        self._count_errors = count_errors

    def write(self, files: Mapping[str, str]) -> None:
        """Replace the texts of these files."""
        self._files.update(files)

    def find(self, rules: Collection[str]) -> list[FixableFinding]:
        """Return the findings of these rules, in the order of paths and lines."""
        return [each for each in self._find(self._files) if each.finding.rule in rules]

    def parses(self, path: str) -> bool:
        """Return whether a file is valid in its language, or no less so than at first."""
        text, original = self._files[path], self._original[path]
        language = language_by_name(path)
        if language is not None and not language.is_valid(text.encode()):
            return False
        return self._count_errors(path, text) <= self._count_errors(path, original)

    def format(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return the texts unchanged."""
        return dict(files)


def _has_long_line(text: str) -> bool:
    """Return whether a text has a line that nobody would write."""
    return len(text) > MAX_LINE_CHARACTERS and any(
        len(each) > MAX_LINE_CHARACTERS for each in text.split("\n")
    )


def _notes(long: Sequence[str], *, is_complete: bool) -> tuple[str, ...]:
    """Return sentences on what was not looked at."""
    notes = [f"Left alone as minified: {', '.join(long[:3])}."] if long else []
    if not is_complete:
        notes.append(f"Rules match more than {MAX_MATCHES:,} places; only so many are looked at.")
    return tuple(notes)


def _digest(text: str) -> str:
    """Return a digest of a text."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _whole_lines(text: str, start: int, end: int) -> tuple[int, int, str]:
    """Return the range of what is removed: with its lines, where nothing else is on them."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    last = len(text) if last < 0 else last + 1
    if text[first:start].strip() or text[end:last].strip():
        return start, end, ""
    return first, last, ""


def _place(text: str, offset: int) -> tuple[int, int]:
    """Return the row and column of a character, counted from 1."""
    rows = split_lines(text[:offset])
    if not rows or rows[-1].endswith(("\n", "\r")):
        return len(rows) + 1, 1
    return len(rows), len(rows[-1]) + 1
