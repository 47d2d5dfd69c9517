"""Error rates of the comparison of benchmarks: false alarms, and slow-downs that are missed.

The bar: at most 1 % of the comparisons of a program with itself (A/A) are called worse or better,
at least 95 % of real slow-downs by 10 % are called worse, and a program that is 5 % slower is
called better in at most 1 %. Every measurement is one process that does a little arithmetic, and
the gate's plan decides how many are made. As 60 trials cannot show 1 %, the plan is also run
thousands of times on the recorded times of 3,000 processes in a row, where slow-downs are made by
multiplying. A few trials use the gate's adapter and the best sandbox of this machine. The peers
judge the first 20 pairs of the same samples (bench/ab_judges.py).
"""

import asyncio
import random  # noqa: TID251 - a benchmark is its own composition root
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.ab_judges import PEER_PAIRS, PEERS, TOLERANCE, Pair, count_wanted_pairs, judge_as_gate
from bench.harness import Result, main
from services.validator.benchmarks.adapters import instructions
from services.validator.benchmarks.adapters.runner import SandboxedBenchmarks
from services.validator.benchmarks.domain.benchmarks import SamplingPlan
from services.validator.benchmarks.domain.measurements import BenchmarkComparison, BenchmarkOutcome
from services.validator.benchmarks.domain.reports import BenchmarkReport
from shared.environments.interpreters import running_interpreter
from shared.environments.ports import Environment
from shared.kernel.ids import uuid7
from shared.sandbox.choice import choose_sandbox
from shared.sandbox.scratch import Scratch
from shared.targets.config import BenchSection, TargetConfig
from shared.targets.profile import EnvironmentPlan, TargetProfile, TestPlan

REAL_TRIALS, ADAPTER_TRIALS, SIMULATED_TRIALS = 60, 6, 2000
QUICK_REAL_TRIALS, QUICK_ADAPTER_TRIALS, QUICK_SIMULATED_TRIALS = 1, 1, 20
RECORDED_PROCESSES, QUICK_RECORDED_PROCESSES = 3000, 20
REAL_SLOWDOWNS_PERCENT = (0, 10, 5)
SIMULATED_SLOWDOWNS_PERCENT = (0, 10, 5, 2)
ADAPTER_SLOWDOWNS_PERCENT = (0, 10)
QUICK_SLOWDOWNS_PERCENT = (30,)
MAX_FALSE_PERCENT, MIN_DETECTED_PERCENT = 1.0, 95.0
LOOP_ITERATIONS = 30_000
SEED = 4
SCRIPT = """
import time
import statistics
def work(n):
    total = 0
    for i in range(n):
        total += i * i % 7
times = []
for _ in range(9):
    started = time.perf_counter()
    work({size})
    times.append(time.perf_counter() - started)
print("work", statistics.median(times), "s")
"""


def run(quick: bool) -> Result:
    """Judge real trials, simulated ones on recorded times, and some through the adapter."""
    chance = random.Random(SEED)  # noqa: S311
    real_slowdowns = QUICK_SLOWDOWNS_PERCENT if quick else REAL_SLOWDOWNS_PERCENT
    rows = [
        *real_rows(real_slowdowns, QUICK_REAL_TRIALS if quick else REAL_TRIALS, chance),
        *simulated_rows(quick, chance),
    ]
    with TemporaryDirectory(prefix="groundswell-bench-") as folder:
        Path(folder).chmod(0o755)
        trials = QUICK_ADAPTER_TRIALS if quick else ADAPTER_TRIALS
        slowdowns = QUICK_SLOWDOWNS_PERCENT if quick else ADAPTER_SLOWDOWNS_PERCENT
        rows += asyncio.run(adapter_rows(Path(folder), slowdowns, trials, chance))
    bar = (
        "A/A is called worse or better in <= 1 %, 10 % slower is called worse in >= 95 %, "
        "5 % slower is called better in <= 1 %"
    )
    return Result("ab", bar, rows, all(map(row_holds, rows)))


def row_holds(row: dict[str, Any]) -> bool:
    """Return whether a row meets the part of the bar that is about its kind of trial."""
    worse, better, kind = row["worse %"], row["better %"], row["target"]
    if kind.startswith("A/A") and worse > MAX_FALSE_PERCENT:
        return False
    if kind.startswith("10 %") and worse < MIN_DETECTED_PERCENT:
        return False
    return bool(better <= MAX_FALSE_PERCENT)


def slowdown_label(slowdown: int) -> str:
    """Return the name of a slow-down in per cent, "A/A" for none."""
    return f"{slowdown} % slower" if slowdown else "A/A"


def real_rows(slowdowns: Sequence[int], trials: int, chance: random.Random) -> list[dict[str, Any]]:
    """Return a row for each slow-down, with every time measured on a process."""
    return [
        judged_row(
            f"{slowdown_label(slowdown)}, real",
            [real_trial(slowdown, chance) for _ in range(trials)],
        )
        for slowdown in slowdowns
    ]


def simulated_rows(quick: bool, chance: random.Random) -> list[dict[str, Any]]:
    """Record the times of many equal processes, and return a row for each simulated slow-down."""
    processes = QUICK_RECORDED_PROCESSES if quick else RECORDED_PROCESSES
    trials = QUICK_SIMULATED_TRIALS if quick else SIMULATED_TRIALS
    recorded = [process_seconds(LOOP_ITERATIONS) for _ in range(processes)]
    return [
        judged_row(
            f"{slowdown_label(slowdown)}, on recorded noise",
            [simulated_trial(recorded, slowdown, chance) for _ in range(trials)],
        )
        for slowdown in SIMULATED_SLOWDOWNS_PERCENT
    ]


def slowed_iterations(slowdown: int) -> int:
    """Return the iterations of a loop that takes so many per cent longer."""
    return LOOP_ITERATIONS + LOOP_ITERATIONS * slowdown // 100


def real_trial(slowdown: int, chance: random.Random) -> list[Pair]:
    """Measure pairs of processes, in random order, until the gate and the peers have enough."""
    pairs: list[Pair] = []
    sizes = [LOOP_ITERATIONS, slowed_iterations(slowdown)]
    while len(pairs) < max(PEER_PAIRS, count_wanted_pairs(pairs)):
        candidate_first = toss(chance)
        one, other = (
            process_seconds(each) for each in (reversed(sizes) if candidate_first else sizes)
        )
        pairs.append((other, one) if candidate_first else (one, other))
    return pairs


def toss(chance: random.Random) -> bool:
    """Return True or False with equal chance."""
    return chance.random() < 0.5  # noqa: PLR2004


def process_seconds(iterations: int) -> float:
    """Run the loop in a process of its own and return its median time, in seconds."""
    script = SCRIPT.format(size=iterations)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[1])


def simulated_trial(recorded: Sequence[float], slowdown: int, chance: random.Random) -> list[Pair]:
    """Return successive recorded times as pairs, those of the candidate made slower."""
    cap = SamplingPlan(TOLERANCE).cap
    start = chance.randrange(max(len(recorded) - 2 * cap, 1))
    stretch = recorded[start : start + 2 * cap]
    pairs = []
    for one, other in zip(stretch[::2], stretch[1::2], strict=False):
        head, candidate = (one, other) if toss(chance) else (other, one)
        pairs.append((head, candidate * (1 + slowdown / 100)))
    return pairs


def judged_row(name: str, trials: Sequence[Sequence[Pair]]) -> dict[str, Any]:
    """Judge trials by the gate and by every peer; a peer's cell is "% worse / % better"."""
    peers = {peer: Counter(judge(each) for each in trials) for peer, judge in PEERS.items()}
    better, worse = BenchmarkOutcome.BETTER, BenchmarkOutcome.WORSE
    return {
        **gate_row(name, [judge_as_gate(each) for each in trials]),
        **{
            peer: f"{percent(counts, worse):.1f} / {percent(counts, better):.1f}"
            for peer, counts in peers.items()
        },
    }


def gate_row(name: str, comparisons: Sequence[BenchmarkComparison]) -> dict[str, Any]:
    """Return the shares of the gate's answers, and the mean number of rounds that they took."""
    counts = Counter(each.answer for each in comparisons)
    return {
        "target": name,
        "trials": len(comparisons),
        "rounds": statistics.mean(each.pairs for each in comparisons),
        "worse %": percent(counts, BenchmarkOutcome.WORSE),
        "better %": percent(counts, BenchmarkOutcome.BETTER),
        "same %": percent(counts, BenchmarkOutcome.SAME),
    }


def percent(counts: Counter[BenchmarkOutcome], answer: BenchmarkOutcome) -> float:
    """Return the share of one answer in per cent."""
    return 100 * counts[answer] / counts.total()


async def adapter_rows(
    home: Path, slowdowns: Sequence[int], trials: int, chance: random.Random
) -> list[dict[str, Any]]:
    """Compare through the gate's adapter in the best sandbox; the cells of the peers are empty."""
    scratch = Scratch(home / "runs", uuid7)
    sandbox, _ = await choose_sandbox(home, scratch, wanted="auto", unsandboxed=True)
    benchmarks = SandboxedBenchmarks(
        sandbox,
        scratch,
        lambda _, oid: ScriptTree(oid),
        lambda: toss(chance),
        counter=instructions.InstructionCounter(sandbox, spare=0),
    )
    rows = []
    for slowdown in slowdowns:
        found = [await compare_by_adapter(benchmarks, slowdown) for _ in range(trials)]
        row = gate_row(f"{slowdown_label(slowdown)}, in {sandbox.tier}", found)
        rows.append({**row, **dict.fromkeys(PEERS, "")})
    scratch.close()
    if close := getattr(sandbox, "close", None):
        await close()
    return rows


async def compare_by_adapter(benchmarks: SandboxedBenchmarks, slowdown: int) -> BenchmarkComparison:
    """Make one comparison through the adapter; raises SystemExit if it gives no report."""
    prefix = Path(sys.prefix)
    environment = Environment(
        "key", prefix / "bin", (prefix, *running_interpreter().required_directories), 0, True
    )
    bench = BenchSection(command="python -I -S perf.py", tolerance=TOLERANCE)
    trees = (str(LOOP_ITERATIONS), str(slowed_iterations(slowdown)))
    found = await benchmarks.compare(trees, PROFILE, environment, bench, target_id="bench")
    if not isinstance(found, BenchmarkReport):
        raise SystemExit(f"{found.reason}\n{found.output_tail}")
    return found.comparisons[0]


class ScriptTree:
    """A tree with one script and a data file; its `oid` is the number of loop iterations.

    The number is in a file of its own, because files that the command names are taken from the
    head for both sides.
    """

    def __init__(self, oid: str) -> None:
        self.oid = oid

    def files(self) -> tuple[str, ...]:
        """Return the paths of the files."""
        return ("perf.py", "size.txt")

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        script = SCRIPT.format(size="int(open('size.txt').read())")
        return (script if path == "perf.py" else self.oid).encode()

    def export(self, into: Path) -> None:
        """Write all files into a new directory."""
        into.mkdir(parents=True)
        for name in self.files():
            (into / name).write_bytes(self.read(name))


PROFILE = TargetProfile(
    config=TargetConfig(),
    components=(),
    test=TestPlan(command=(), framework="custom", pythonpath=(), test_files=(), timeout=60),
    environment=EnvironmentPlan(
        requires_python="",
        installs=(),
        requirement_files=(),
        needs_metadata=False,
        setup=None,
        dependency_files=(),
    ),
    oldest_python=(3, 11),
    notes=(),
)


if __name__ == "__main__":
    main("ab", run)
