"""Why a rule matters, in the words of ruff's own documentation."""

import json
import re
import subprocess
from functools import lru_cache

from ruff import find_ruff_bin

WHY = re.compile(r"## Why is this bad\?\n(.+?)(?:\n\n|\n##|\Z)", re.DOTALL)
LONGEST = 400


@lru_cache(maxsize=1)
def _rules() -> dict[str, str]:
    command = [find_ruff_bin(), "rule", "--all", "--output-format", "json"]
    done = subprocess.run(command, capture_output=True, check=True)
    return {each["code"]: each["explanation"] or "" for each in json.loads(done.stdout)}


def why(rule: str) -> str:
    """The first paragraph on why it is bad, as one line; empty where nothing is said."""
    found = WHY.search(_rules().get(rule, ""))
    if found is None:
        return ""
    line = " ".join(found[1].split())
    if len(line) <= LONGEST:
        return line
    return line[:LONGEST].rpartition(". ")[0].rstrip(".") + "."
