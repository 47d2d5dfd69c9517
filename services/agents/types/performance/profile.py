"""The detector of what a target's own benchmarks spend their time in, by a profile of them."""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import ClassVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from services.agents.types.performance.measuring import MeasuringDetector
from services.agents.types.performance.rules.repeated_lookup import HotLookup
from shared.behaviour.tree import tree_of
from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.linters import is_silenced
from shared.detectors.ports import Measured, Source, TargetCommands
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


class BenchmarkProfileDetector(MeasuringDetector):
    """Runs `[bench] command` of a target under cProfile, in the sandbox, if it has one."""

    name: ClassVar[str] = "bench_profile"
    tool: ClassVar[str] = TOOL
    code: ClassVar[str] = CODE
    version: ClassVar[str] = f"{TOOL}-2"

    async def run(self, source: Source, commands: TargetCommands) -> Measured:
        """Return a finding for each hot function, and for what is looked up again in its loops."""
        bench = source.profile.config.bench
        if not bench.command:
            return Measured((), {})
        script = script_of(bench.command)
        printed = await commands.read(source, script, timeout=min(bench.timeout, MAX_SECONDS))
        profiles = read_profiles(printed)
        if not profiles:
            return Measured((), {}, (f"`{bench.command}` ran no Python that could be profiled.",))
        hot = hot_functions(profiles, source)
        return Measured(tuple(_findings(source, hot, bench.command)), {})


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
        last = each.node.end_lineno or each.node.lineno
        places: list[tuple[str, int, int | None, str]] = [
            (CODE, each.node.lineno, last, f"{where}, in {each.calls} calls.")
        ]
        places += [
            (lookups.code, match.line, None, f"{match.message} {where}.")
            for match in lookups.matches(each.path, text)
            if each.node.lineno <= match.line <= last
        ]
        for code, line, end_line, message in places:
            if is_silenced(text, line, code):
                continue
            row = line_at(split_lines(text), line)
            yield Finding(
                rule=rule_id(TOOL, code),
                severity=severity,
                message=message,
                path=each.path,
                line=line,
                end_line=end_line,
                run_time_share=0.0 if end_line is None else each.share,
                fingerprint=fingerprints.next(TOOL, code, each.path, row),
                component=source.component(each.path),
                tool=TOOL,
            )
