"""Options that several commands share."""

import os
from typing import Annotated

import typer

from shared.contracts.base import WaveSize
from shared.kernel.extensions import agent_type_names

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Size = Annotated[WaveSize, typer.Option(help="small: up to 5 tasks, large: up to 15.")]
Focus = Annotated[
    str,
    typer.Option(help=f"An agent type ({', '.join(agent_type_names())}), or all.", metavar="TYPE"),
]
Components = Annotated[
    str, typer.Option(help="Improve only these components.", metavar="NAME[,NAME…]")
]
Base = Annotated[
    str,
    typer.Option(help="The branch to improve; the checked-out one by default.", metavar="BRANCH"),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Propose changes, but test and land nothing.")
]


def _allow(*, unsandboxed: bool) -> bool:
    """Let a stack that this process starts run without a sandbox, if that is allowed; return it."""
    if unsandboxed:
        os.environ["GROUNDSWELL_ALLOW_UNSANDBOXED"] = "1"
    return unsandboxed


Unsandboxed = Annotated[
    bool,
    typer.Option(
        "--allow-unsandboxed",
        help="If no sandbox works here: run the target's code with your own permissions. "
        "Every change then needs your approval.",
        callback=lambda value: _allow(unsandboxed=value),
    ),
]
Wave = Annotated[str, typer.Option(help="Only changes of this wave.", metavar="ID")]
Limit = Annotated[int, typer.Option(help="The maximum number of results.", min=1, max=1000)]
