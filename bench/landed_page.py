"""docs/examples/landed.md: landed changes for a maintainer to judge, drawn by seed."""

import re
from collections.abc import Sequence
from pathlib import Path
from random import Random  # noqa: TID251 - a benchmark is its own composition root
from typing import Any

PAGE = Path(__file__).parent.parent / "docs" / "examples" / "landed.md"
SEED, DRAWN, MAX_DIFF_LINES = 13, 60, 40
TRAILER = re.compile(r"\n\n(?:[A-Z][A-Za-z-]+: .+\n?)+\Z")
HEAD = """# Sixty landed changes

Drawn from the {total} changes that `python -m bench.agents_on_real_code` landed on {count} real
repositories, by `random.Random({seed})`, so that anyone can judge whether a maintainer would take
them. Nobody approved any. The policy is what a maintainer would set who wants to be asked about
anything that may change behaviour, and about nothing else: `unprotected = "safe"`. The applications
with known weaknesses also allow by name (`allowed_rules`) the rules that remove them, and take what
passes their few tests (`unprotected = "allow"`); the workflows allow the rules that retry requests
which only read. The policies are in `bench/overlays/`.

Long diffs are cut after {lines} lines. The code is that of its authors, under the licence named
with each repository; it is quoted here to show what was changed in it. Trailers of messages are
left out.
"""


def write_page(measured: Sequence[dict[str, Any]]) -> None:
    """Draw changes from what was measured of repositories, and write the page."""
    PAGE.write_text(render(measured))


def render(measured: Sequence[dict[str, Any]]) -> str:
    """Return the page as Markdown."""
    every = [(each["name"], change) for each in measured for change in each["landed"]]
    drawn = Random(SEED).sample(range(len(every)), min(DRAWN, len(every)))  # noqa: S311
    chosen = [every[number] for number in sorted(drawn)]
    parts = [HEAD.format(total=len(every), count=len(measured), seed=SEED, lines=MAX_DIFF_LINES)]
    for each in measured:
        mine = [change for name, change in chosen if name == each["name"]]
        if mine:
            parts.append(
                f"## [{each['name']}]({each.get('url', '')}) ({each.get('licence', '')})\n"
            )
            parts += [_section(change) for change in mine]
    return "\n".join(parts)


def _section(change: dict[str, Any]) -> str:
    """Return one change: the subject, the message, and the diff."""
    subject, _, body = TRAILER.sub("", change["message"].strip()).partition("\n")
    lines = [
        line
        for line in change["diff"].splitlines()
        if not line.startswith(("diff --git", "index ", "--- "))
    ]
    cut = lines[:MAX_DIFF_LINES]
    more = len(lines) - len(cut)
    cut += [f"… {more} more lines"] if more > 0 else []
    fence = "````"
    return "\n".join([f"### {subject}", "", body.strip(), "", f"{fence}diff", *cut, fence, ""])
