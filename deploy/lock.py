"""Write the hashed lock files of requirements/: `python -m deploy.lock`.

No index URL is ever written into them.
"""

import subprocess
from pathlib import Path

import uv

LOCKS = {
    "dev.txt": ("--extra", "embedded", "--group", "dev"),
    "embedded.txt": ("--extra", "embedded", "-c", "requirements/dev.txt"),
    "runtime.txt": ("-c", "requirements/dev.txt"),
}
OPTIONS = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-header",
    "--quiet",
)


def main() -> None:
    """Compile each lock file; the smaller ones are constrained by the largest."""
    for name, extra in LOCKS.items():
        output = Path("requirements") / name
        command = [uv.find_uv_bin(), "pip", "compile", *OPTIONS, "pyproject.toml", *extra]
        subprocess.run([*command, "-o", str(output)], check=True)


if __name__ == "__main__":
    main()
