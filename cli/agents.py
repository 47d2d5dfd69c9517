"""`groundswell agents`, and what a report says about the agents of a wave."""

from rich.console import Console
from rich.table import Table

from cli.console import print_data, shown
from cli.session import connect
from cli.text import count, duration, out
from shared.contracts.report import AgentSummary, WaveReport
from shared.contracts.views import AgentView
from shared.kernel.ids import short_id

MAX_LISTED_AGENTS = 1000
COLUMNS = ("agent", "state", "focus", "what it is at", "at work", "process", "wave")


async def list_agents(wave: str, *, every: bool, as_json: bool) -> int:
    """Print the agents of one wave, of all open ones, or `every` one; return exit code 0.

    These are the newest 1,000 at most.
    """
    async with connect() as client:
        found = await client.agents(MAX_LISTED_AGENTS, wave=wave, active=not (every or wave))
    if as_json:
        print_data([each.model_dump(mode="json") for each in found])
        return 0
    table = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name)
    for each in reversed(found):
        table.add_row(*map(shown, _row(each)))
    out.print(table if found else "No agent is deployed: no wave goes on. See --all.")
    return 0


def _row(agent: AgentView) -> tuple[str, ...]:
    """Return what the table says about an agent, by column."""
    process = "" if agent.pid is None else f"{agent.host}:{agent.pid}"
    since = f"since {agent.active_since:%H:%M:%S}" if agent.active_since else ""
    worked = since or duration(agent.seconds)
    wave = short_id(agent.wave_id)
    return agent.name, agent.state, agent.focus, agent.doing, worked, process, wave


def show_agents(report: WaveReport, console: Console) -> None:
    """Show what each agent of a wave was on, and what came of it."""
    if not report.agents:
        return
    console.print("\n[bold]Agents[/] (who did what)")
    rows = [_did(each) for each in report.agents]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{text:<{width}}" for text, width in zip(row, widths, strict=True))
        console.print(f"  {shown('  '.join(cells).rstrip())}")


def _did(agent: AgentSummary) -> tuple[str, ...]:
    """Return what the report says about an agent, by column."""
    came = f"{count(agent.proposals, 'proposal')}, {agent.landed} landed"
    return (
        agent.name,
        agent.focus,
        count(agent.tasks, "task"),
        came if agent.proposals else agent.note or "nothing proposed",
        duration(agent.seconds) if agent.process else "not begun",
        f"[{agent.state}]" if agent.state in {"offline", "error"} else "",
    )
