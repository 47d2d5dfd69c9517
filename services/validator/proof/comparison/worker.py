"""The program that compares: reads pairs of files, and writes a line for each as soon as known."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

from .compare import Comparer


def main(request: str, answer: str) -> None:
    """Compare the pairs in the file `request`, and write the forms of each to the file `answer`.

    A request has the texts, in Latin-1 so that any bytes are allowed, and pairs of their numbers.
    The first line of the answer names the interpreter. A pair that ends the process has no line.
    """
    asked = json.loads(Path(request).read_text(encoding="ascii"))
    texts = [each.encode("latin-1") for each in asked["texts"]]
    comparer = Comparer()
    with open(answer, "w", encoding="utf-8") as lines:  # noqa: PTH123 - line by line
        name = "%s %s" % (platform.python_implementation(), platform.python_version())  # noqa: UP031
        lines.write(json.dumps(name) + "\n")
        for before, after in asked["pairs"]:
            lines.flush()
            lines.write(json.dumps(comparer.compare(texts[before], texts[after])) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
