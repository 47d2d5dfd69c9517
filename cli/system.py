"""`groundswell up`, `status` and `doctor`."""

import asyncio

from cli.console import print_data, shown
from cli.session import connect
from cli.text import out, warn
from deploy.homes import without_credentials
from deploy.local import local_stack
from shared.targets.home import default_home

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
    """Print counts of processes by agent type, and of unfinished work by state; return 0."""
    async with connect() as client:
        counted = await client.status()
    if as_json:
        print_data(counted)
        return 0
    for name, counts in counted.model_dump().items():
        text = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        out.print(f"{name:<13} {text or 'none'}")
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
