"""`groundswell why`: why a task was taken up, and what else its wave could have taken up."""

from rich.table import Table

from cli.console import print_data, shown
from cli.session import connect
from cli.text import out
from shared.contracts.documents.choices import TaskCandidate
from shared.contracts.views import TaskReason

COLUMNS = ("", "agent type", "where", "rules", "expected", "drawn", "value", "why")


async def explain_task(task: str, *, as_json: bool) -> int:
    """Print why a task was taken up; return exit code 0."""
    async with connect() as client:
        reason = await client.why(task)
    if as_json:
        print_data(reason)
    else:
        show_reason(reason)
    return 0


def show_reason(reason: TaskReason) -> None:
    """Show the sentences, and then all candidates as a table."""
    for sentence in reason.sentences:
        out.print(shown(sentence))
    table = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name)
    mine = (reason.chosen,) if reason.chosen else ()
    for each in sorted((*mine, *reason.others), key=_order):
        table.add_row(*map(shown, _row(each)))
    if table.rows:
        out.print()
        out.print(table)
    if reason.left_out:
        out.print(f"{reason.left_out} more were left, which are worth less.")


def _order(candidate: TaskCandidate) -> tuple[bool, int, float]:
    """Return what candidates are sorted by: the chosen ones in their order, then by value."""
    return candidate.turn is None, candidate.turn or 0, -candidate.value


def _row(candidate: TaskCandidate) -> tuple[str, ...]:
    """Return what the table says about a candidate, by column."""
    return (
        "left" if candidate.turn is None else str(candidate.turn),
        candidate.agent_type,
        candidate.place,
        candidate.family,
        f"{candidate.expected:.0%}",
        f"{candidate.drawn:.0%}",
        f"{candidate.value:.2f}",
        candidate.reason,
    )
