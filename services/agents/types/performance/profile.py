"""The detector of what a target's own benchmarks spend their time in, by a profile of them."""

import ast
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import ClassVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from services.agents.types.performance.rules.repeated_lookup import HotLookup
from services.agents.types.performance.section import rule_choice, section
from shared.behaviour.tree import tree_of
from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.failures import failure_note, is_tool_failure
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.linters import is_silenced
from shared.detectors.ports import DetectorResources, Measured, Source
from shared.detectors.texts import line_at, split_lines

TOOL, CODE = "profile", "PRF901"
MIN_SHARE, LARGE_SHARE = 0.1, 0.3
MAX_HOT_FUNCTIONS = 10
Function = ast.FunctionDef | ast.AsyncFunctionDef
KINDS: tuple[type[Function], ...] = (ast.FunctionDef, ast.AsyncFunctionDef)
MAX_SECONDS = 300.0
SCRIPT = """mkdir -p "$HOME/profiler" "$HOME/profiles"
cat > "$HOME/profiler/sitecustomize.py" <<'END-OF-PROFILER'
{profiler}
END-OF-PROFILER
export GROUNDSWELL_PROFILES="$HOME/profiles" PYTHONPATH="$HOME/profiler:$PYTHONPATH"
({command}) >/dev/null 2>&1
cat "$HOME/profiles/"*.json
"""


class ProcessProfile(BaseModel):
    """What the profiler wrote about one process, which the target may have written as well.

    The functions have path, line, name, calls and seconds.
    """

    seconds: float = Field(gt=0, allow_inf_nan=False)
    functions: tuple[tuple[str, int, str, int, float], ...]


PROFILE: TypeAdapter[ProcessProfile] = TypeAdapter(ProcessProfile)


@dataclass(frozen=True)
class HotFunction:
    """A function of the target and its share of the time of all profiled processes."""

    path: str
    node: Function
    calls: int
    share: float


class BenchmarkProfileDetector:
    """Runs `[bench] command` of a target under cProfile, in the sandbox, if it has one."""

    name: ClassVar[str] = "bench_profile"
    tool: ClassVar[str] = TOOL
    version: ClassVar[str] = f"{TOOL}-1"
    files: ClassVar[tuple[str, ...]] = ("*.py",)
    single_file: ClassVar[bool] = False
    security: ClassVar[bool] = False
    runs_target_code: ClassVar[bool] = True

    def __init__(self, resources: DetectorResources) -> None:
        self._commands = resources.commands

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return a finding for each hot function, and for what is looked up again in its loops.

        A note says why there is no profile, where the command was stopped or printed none.
        """
        bench = source.profile.config.bench
        wanted = section(source).advice and rule_choice(source).includes(CODE)
        if self._commands is None or not bench.command or not wanted:
            return Measured((), {})
        script = script_of(bench.command)
        timeout = min(bench.timeout, MAX_SECONDS)
        try:
            printed = await self._commands.read(source, script, timeout=timeout)
        except Exception as error:
            if not is_tool_failure(error):
                raise
            return Measured((), {}, (failure_note(self.name, error),))
        profiles = read_profiles(printed)
        if not profiles:
            return Measured((), {}, (f"`{bench.command}` ran no Python that could be profiled.",))
        hot = hot_functions(profiles, source)
        found = tuple(_findings(source, hot, bench.command))
        return Measured(tuple(e for e in found if paths is None or e.path in paths), {})


def script_of(command: str) -> str:
    """Return the shell script that runs a command under the profiler, and prints the profiles."""
    profiler = files(__package__).joinpath("profiler.py").read_text(encoding="utf-8")
    return SCRIPT.format(profiler=profiler, command=command)


def read_profiles(printed: str) -> list[ProcessProfile]:
    """Return the profiles of all processes; other lines are skipped."""
    found = []
    for line in printed.splitlines():
        try:
            found.append(PROFILE.validate_json(line))
        except ValidationError:
            continue
    return found


def hot_functions(profiles: Sequence[ProcessProfile], source: Source) -> list[HotFunction]:
    """Return the functions of a target that take a good part of all time, the largest first."""
    seconds: Counter[tuple[str, int, str]] = Counter()
    calls: Counter[tuple[str, int, str]] = Counter()
    for path, line, name, count, own in (e for each in profiles for e in each.functions):
        seconds[path, line, name] += own  # type: ignore[assignment]
        calls[path, line, name] += count
    whole = sum(each.seconds for each in profiles)
    found = []
    for key, own in seconds.most_common():
        share = min(own / whole, 1.0)
        node = _function(source, *key) if share >= MIN_SHARE else None
        if node is not None:
            found.append(HotFunction(key[0], node, calls[key], share))
    return found[:MAX_HOT_FUNCTIONS]


def _function(source: Source, path: str, line: int, name: str) -> Function | None:
    """Return the function of that name which begins in a line, perhaps with a decorator."""
    text = source.text(path) if source.is_editable(path) else None
    if not text:
        return None
    try:
        tree = tree_of(path, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    named = (e for kind in KINDS for e in tree.all(kind) if e.name == name)
    return next(
        (e for e in named if line in {e.lineno, *(d.lineno for d in e.decorator_list)}), None
    )


def _findings(source: Source, hot: Sequence[HotFunction], command: str) -> Iterator[Finding]:
    """Yield the findings in hot functions, those of the hottest first."""
    fingerprints, lookups = Fingerprints(), HotLookup()
    for each in hot:
        text = source.text(each.path) or ""
        where = f"`{each.node.name}` takes {each.share:.0%} of the time of `{command}`"
        severity = Severity.WARNING if each.share >= LARGE_SHARE else Severity.NOTE
        places = [(CODE, each.node.lineno, f"{where}, in {each.calls} calls.")]
        last = each.node.end_lineno or each.node.lineno
        places += [
            (lookups.code, match.line, f"{match.message} {where}.")
            for match in lookups.matches(each.path, text)
            if each.node.lineno <= match.line <= last
        ]
        for code, line, message in places:
            if is_silenced(text, line, code):
                continue
            row = line_at(split_lines(text), line)
            yield Finding(
                rule=rule_id(TOOL, code),
                severity=severity,
                message=message,
                path=each.path,
                line=line,
                fingerprint=fingerprints.next(TOOL, code, each.path, row),
                component=source.component(each.path),
                tool=TOOL,
            )
