"""The detector of dependencies that are declared and not imported, or the other way round."""

import asyncio
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as resources
from typing import ClassVar

from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.dependencies.declared import Declared, Dependency, read_declared
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.imports.facts import ImportPhase, ImportSite, read_facts
from shared.detectors.imports.graph import read_graph
from shared.detectors.ports import Measured, Source
from shared.targets.languages import PYTHON
from shared.targets.paths import is_protected
from shared.targets.projects import project_folders

TOOL, MEASURING = "dependencies", 2
UNUSED, MISSING, TRANSITIVE = "unused", "missing", "transitive"
LIBRARIES = "libraries.toml"
MAX_TEXT_BYTES = 1_000_000


@dataclass(frozen=True)
class Libraries:
    """What is known about distributions: the modules of each, and which of them give a module.

    `loaded_by_others` are those that other packages load by themselves if they are installed.
    """

    modules: Mapping[str, tuple[str, ...]]
    givers: Mapping[str, frozenset[str]]
    loaded_by_others: frozenset[str]


@cache
def read_libraries() -> Libraries:
    """Return the distributions that are known."""
    data = tomllib.loads((resources(__package__) / LIBRARIES).read_text())
    modules = {name: tuple(each) for name, each in data["imports"].items()}
    alternatives = data["alternatives"]
    givers = {
        module: frozenset({name, *alternatives.get(module, ())})
        for name, each in modules.items()
        for module in each
    }
    return Libraries(modules, givers, frozenset(data["loaded_by_others"]))


class DependenciesDetector:
    """Compares what the projects of a target declare with what their files import.

    `used` returns the distributions that are needed although nothing imports them.
    """

    name: ClassVar[str] = TOOL
    tool: ClassVar[str] = TOOL
    version: ClassVar[str] = f"{TOOL}-{MEASURING}"
    files: ClassVar[tuple[str, ...]] = ("*.py", "pyproject.toml", "requirements.txt")
    single_file: ClassVar[bool] = False
    security: ClassVar[bool] = False
    runs_target_code: ClassVar[bool] = False

    def __init__(self, used: Callable[[Source], Collection[str]]) -> None:
        self._used = used

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return the findings in the projects of a target, or in the files `paths` alone."""
        found = await asyncio.to_thread(self.find, source)
        return Measured(tuple(e for e in found if paths is None or e.path in paths), {})

    def find(self, source: Source) -> list[Finding]:
        """Return all findings; it blocks."""
        fingerprints = Fingerprints()
        return [
            Finding(
                rule=rule_id(TOOL, each.code),
                severity=Severity.NOTE if each.code != MISSING else Severity.WARNING,
                message=each.message,
                path=each.path,
                line=each.line,
                fingerprint=fingerprints.next(TOOL, each.code, each.path, each.name),
                component=each.component,
                fixable="unsafe" if each.is_fixable else "no",
                tool=TOOL,
            )
            for declared in self.declared(source)
            for each in self._of_project(source, declared)
        ]

    def declared(self, source: Source) -> Iterator[Declared]:
        """Yield what each project of a target declares, where that is known."""
        for folder in ("", *project_folders(source.tree)):
            found = read_declared(source.tree, folder)
            if found is not None:
                yield found

    def unused(self, source: Source, declared: Declared) -> list[Dependency]:
        """Return the dependencies of a project that nothing in the target imports or mentions."""
        known = read_libraries().modules
        kept = {*self._used(source), *read_libraries().loaded_by_others}
        runtime = [e for e in declared.runtime if not e.is_frozen]
        candidates = [e for e in runtime if e.name in known and e.name not in kept]
        if not candidates:
            return []
        words = {e.name: (e.name, e.name.replace("-", "_"), *known[e.name]) for e in candidates}
        return [e for e in candidates if not _is_mentioned(source, words[e.name])]

    def _of_project(self, source: Source, declared: Declared) -> Iterator["_Found"]:
        """Yield the dependencies of a project that are unused, missing or only there by others."""
        owner = _owner(source, declared.folder)
        for each in self.unused(source, declared):
            mine = source.component(each.path)
            message = f"`{each.name}` is declared, and nothing imports or mentions it."
            fixable = bool(mine) and each.is_alone and may_edit(source)
            yield _Found(UNUSED, each.path, each.line, each.name, message, mine or owner, fixable)
        for path, site in _foreign_imports(source, declared.folder):
            module = site.module.partition(".")[0]
            givers = read_libraries().givers.get(module, frozenset())
            if givers and givers.isdisjoint(declared.every):
                locked = sorted(givers & declared.locked)
                name = locked[0] if locked else min(givers, key=lambda e: (e != module, e))
                why = "only there because something else needs it" if locked else "not declared"
                message = f"`{module}` is imported here, and `{name}` is {why}."
                code = TRANSITIVE if locked else MISSING
                yield _Found(code, path, site.line, module, message, source.component(path))


@dataclass(frozen=True)
class _Found:
    """Something found in a project, about a distribution or module called `name`."""

    code: str
    path: str
    line: int
    name: str
    message: str
    component: str
    is_fixable: bool = False


def may_edit(source: Source) -> bool:
    """Return whether a patch may take out what a target declares: that edits a protected file."""
    policy = source.profile.config.policy
    return policy.protected_paths == "ask" and policy.unsafe_fixes


def _foreign_imports(source: Source, folder: str) -> Iterator[tuple[str, ImportSite]]:
    """Yield the first import of each module of others in the owned files of a project."""
    graph = read_graph(source.tree, source.profile.test.pythonpath)
    others = [each for each in project_folders(source.tree) if each != folder]
    seen: set[str] = set()
    for path, facts in sorted(graph.facts.items()):
        inside = path.startswith(f"{folder}/") if folder else not path.startswith(tuple(others))
        if not inside or is_protected(path, source.profile.config) or not source.component(path):
            continue
        for site in facts.imports:
            module = site.module.partition(".")[0]
            is_needed = (
                site.when is not ImportPhase.TYPING and not site.is_guarded and not site.level
            )
            if not is_needed or module in sys.stdlib_module_names or graph.modules.is_ours(module):
                continue
            if module not in seen:
                seen.add(module)
                yield path, site


def _is_mentioned(source: Source, words: tuple[str, ...]) -> bool:
    """Return whether a file imports or mentions one of these words, besides declaring it.

    That is any file of the target with such a word: settings name packages, too.
    """
    pattern = re.compile(
        rb"(?<![\w-])(?:" + b"|".join(re.escape(each.encode()) for each in words) + rb")(?![\w-])",
        re.IGNORECASE,
    )
    for path in source.tree.files():
        content = source.tree.read(path) or b""
        name = path.rpartition("/")[2]
        if name in {"pyproject.toml", "requirements.txt"}:
            # Once is its declaration.
            if len(pattern.findall(content)) > 1:
                return True
        elif not _is_lock(name) and pattern.search(content[:MAX_TEXT_BYTES]):
            return True
    return False


def _is_lock(name: str) -> bool:
    """Return whether a file only repeats what is declared, or what was declared when."""
    return name.endswith(".lock") or name.startswith(("pylock", "CHANGE", "HISTORY", "NEWS"))


def _owner(source: Source, folder: str) -> str:
    """Return the component that owns most lines of Python in a project; empty if none does."""
    lines: Counter[str] = Counter()
    for path in source.tree.files():
        if PYTHON.has_suffix(path) and (not folder or path.startswith(f"{folder}/")):
            facts = read_facts(source.tree.read(path) or b"")
            if (component := source.component(path)) and facts is not None:
                lines[component] += facts.lines
    return max(lines, key=lambda each: (lines[each], each), default="")
