"""`groundswell up`, `status`, `agents` and `doctor`."""

import asyncio

from rich.table import Table

from cli.console import print_data, shown
from cli.session import connect
from cli.text import out, warn
from deploy.homes import without_credentials
from deploy.local import local_stack
from shared.targets.home import default_home

MAX_LISTED_AGENTS = 1000
MARKS = {"ok": "[green]ok[/]", "missing": "[red]missing[/]", "limited": "[yellow]limited[/]"}


async def up(port: int) -> int:
    """Run the stack until this process is interrupted, which is exit code 0."""
    home = default_home()
    with out.status("starting the stack"):
        context = local_stack(home, warn, api_port=port)
        stack = await context.__aenter__()
    try:
        out.print("[bold green]ready[/]")
        for name, value in (
            ("API", f"{stack.api_url}/docs"),
            ("NATS", without_credentials(stack.nats_url)),
            ("MongoDB", without_credentials(stack.mongo_url)),
            ("home", stack.home),
        ):
            out.print(f"  {name:<11} {shown(value)}")
        out.print(
            "Start a wave: groundswell wave start PATH, or\n"
            '  eval "$(groundswell nats env)"\n'
            '  nats pub gs.cmd.wave.start \'{"target": "/path/to/repository"}\'',
            markup=False,
        )
        out.print("Press Ctrl-C to stop the stack; stored data is kept.")
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        out.print("stopping the stack")
        return 0
    finally:
        await context.__aexit__(None, None, None)
    return 0


async def status(*, as_json: bool) -> int:
    """Print counts, by state, of agents and of unfinished work; return exit code 0."""
    async with connect() as client:
        counted = await client.status()
    if as_json:
        print_data(counted)
        return 0
    for name, counts in counted.model_dump().items():
        text = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        out.print(f"{name:<13} {text or 'none'}")
    return 0


async def agents(*, active: bool, as_json: bool) -> int:
    """Print the registered agents, the newest 1,000 at most; return exit code 0."""
    async with connect() as client:
        found = await client.agents(MAX_LISTED_AGENTS, active=active)
    if as_json:
        print_data([each.model_dump(mode="json") for each in found])
        return 0
    table = Table(box=None, pad_edge=False)
    for name in ("agent", "state", "types", "engines", "host", "heartbeat"):
        table.add_column(name)
    for each in found:
        table.add_row(
            each.name,
            each.state,
            ", ".join(each.types),
            ", ".join(each.engines),
            f"{each.host}:{each.pid}",
            f"{each.heartbeat_at:%Y-%m-%d %H:%M:%S}",
        )
    out.print(table if found else "No agent has registered yet.")
    return 0


async def doctor(*, as_json: bool) -> int:
    """Print what is installed and what is missing; return 1 if something essential is."""
    # It imports every agent type, which would slow down every other command.
    from deploy.doctor import examine  # noqa: PLC0415

    checks = await asyncio.to_thread(examine, default_home())
    if as_json:
        print_data([each.as_dict() for each in checks])
    else:
        width = max(len(each.name) for each in checks)
        for each in checks:
            out.print(f"{MARKS[each.state]:<20} {each.name:<{width}}  {shown(each.found)}")
            if each.cost:
                out.print(f"{'':<9}{'':<{width}}  [dim]{shown(each.cost)}[/]")
            if each.remedy:
                out.print(f"{'':<9}{'':<{width}}  [dim]-> {shown(each.remedy)}[/]")
    return 1 if any(each.state == "missing" and each.essential for each in checks) else 0
