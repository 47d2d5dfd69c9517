"""A profiler that Python starts by itself, as it is put on its path under the name `sitecustomize`.

It runs in the target's processes, where nothing of ours can be imported. Each process writes one
line of JSON into the folder that an environment variable names: the seconds that it took, and for
each function below the folder that it began in: path, line, name, calls, and seconds. Those are
its own, with what it calls of C.
"""

import atexit
import cProfile
import json
import os
import pstats
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER_VARIABLE = "GROUNDSWELL_PROFILES"
MAX_FUNCTIONS = 200
BUILT_IN = "~"
# By (file, line, name): calls without recursive ones, all calls, own seconds, all seconds, callers.
Stats = Mapping[tuple[str, int, str], tuple[int, int, float, float, Mapping[Any, Any]]]


def start(folder: Path, root: Path) -> None:
    """Profile this process until it ends, and write what was found into `folder`."""
    profiler = cProfile.Profile()

    def write() -> None:
        """Write the profile."""
        profiler.disable()
        stats: Stats = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
        found = {
            "seconds": sum(each[2] for each in stats.values()),
            "functions": sorted(functions(stats, root), key=lambda each: -each[4])[:MAX_FUNCTIONS],
        }
        (folder / f"{os.getpid()}.json").write_text(json.dumps(found) + "\n")

    atexit.register(write)
    profiler.enable()


def functions(stats: Stats, root: Path) -> Iterator[tuple[str, int, str, int, float]]:
    """Yield path, line, name, calls and seconds of each function in a file below `root`."""
    seconds = {key: each[2] for key, each in stats.items()}
    for key, each in stats.items():
        if key[0] == BUILT_IN:
            for caller, (_, _, own, _) in each[4].items():
                seconds[caller] = seconds.get(caller, 0.0) + own
    for (path, line, name), each in stats.items():
        if path.startswith(f"{root}{os.sep}"):
            inside = Path(path).relative_to(root).as_posix()
            yield inside, line, name, each[1], seconds[path, line, name]


if FOLDER_VARIABLE in os.environ:
    start(Path(os.environ[FOLDER_VARIABLE]), Path.cwd())
