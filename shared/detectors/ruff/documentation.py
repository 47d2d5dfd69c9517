"""Why breaking a rule of ruff is bad, from ruff's own documentation."""

import json
import re
import subprocess
from functools import cache

from ruff import find_ruff_bin

REASON = re.compile(r"## Why is this bad\?\n(.+?)(?:\n\n|\n##|\Z)", re.DOTALL)
MAX_REASON_CHARACTERS = 400


@cache
def _explanations() -> dict[str, str]:
    """Return ruff's explanation of each of its rules, as Markdown by rule code."""
    command = [find_ruff_bin(), "rule", "--all", "--output-format", "json"]
    done = subprocess.run(command, capture_output=True, check=True)
    return {each["code"]: each["explanation"] or "" for each in json.loads(done.stdout)}


def why_bad(code: str) -> str:
    """Return the first paragraph on why breaking the rule is bad, as one line; empty if none."""
    found = REASON.search(_explanations().get(code, ""))
    if found is None:
        return ""
    line = " ".join(found[1].split())
    if len(line) <= MAX_REASON_CHARACTERS:
        return line
    return line[:MAX_REASON_CHARACTERS].rpartition(". ")[0].rstrip(".") + "."
