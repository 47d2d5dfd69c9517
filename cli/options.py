"""Options that several commands share."""

import os
from typing import Annotated

import typer

from shared.contracts.base import WaveSize
from shared.kernel.extensions import agent_type_names

Json = Annotated[bool, typer.Option("--json", help="Data on standard output, for programs.")]
Size = Annotated[WaveSize, typer.Option(help="small: up to 5 tasks, large: up to 15.")]
Focus = Annotated[
    str,
    typer.Option(help=f"An agent type ({', '.join(agent_type_names())}), or all.", metavar="TYPE"),
]
Components = Annotated[
    str, typer.Option(help="Only these components, by name.", metavar="NAME[,NAME…]")
]
Base = Annotated[
    str,
    typer.Option(help="The branch to improve; the checked-out one by default.", metavar="BRANCH"),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Propose, but try and land nothing.")]


def _allow(*, unsandboxed: bool) -> bool:
    """The stack that we start has our environment; one that runs already has its own."""
    if unsandboxed:
        os.environ["GROUNDSWELL_ALLOW_UNSANDBOXED"] = "1"
    return unsandboxed


Unsandboxed = Annotated[
    bool,
    typer.Option(
        "--allow-unsandboxed",
        help="Where no sandbox holds: run the target's code with your own rights. What lands then waits for you.",
        callback=lambda value: _allow(unsandboxed=value),
    ),
]
Wave = Annotated[str, typer.Option(help="Only those of this wave.", metavar="ID")]
Limit = Annotated[int, typer.Option(help="At most so many.", min=1, max=1000)]
