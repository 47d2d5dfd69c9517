"""`groundswell findings …`: list, import and export findings."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.client import ApiClient
from cli.console import print_data, shown
from cli.execute import WRONG_USE, execute
from cli.location import location_of
from cli.options import Json, Limit
from cli.session import connect
from cli.text import count, fail, out, warn
from shared.contracts.answers import FindingList
from shared.contracts.commands import LogOrigin
from shared.contracts.events import FindingsImported
from shared.detectors.sarif import read_sarif
from shared.detectors.sarif.reading import MAX_BYTES
from shared.kernel.errors import NotFound, Rejected

app = typer.Typer(help="List, import and export findings.", no_args_is_help=True)
Repository = Annotated[str, typer.Argument(help="A git repository: its path or url.")]
Branch = Annotated[
    str, typer.Option("--base", help="The branch that is improved.", metavar="BRANCH")
]
STDIN = "-"
MAX_NAME_CHARACTERS = 200


@app.command(name="import")
def import_(
    file: Annotated[str, typer.Argument(help="A SARIF 2.1.0 log; - for standard input.")],
    path: Repository = ".",
    name: Annotated[
        str,
        typer.Option(
            help="A log takes the place of an earlier one of its name; by default the "
            "name of the file."
        ),
    ] = "",
    root: Annotated[
        str,
        typer.Option(
            help="The folder in which the tool ran, where that is another one.", metavar="FOLDER"
        ),
    ] = "",
    base: Branch = "",
    *,
    as_json: Json = False,
) -> None:
    """Import the findings of any tool that writes SARIF, to be fixed or advised on."""
    content = _read(file)
    read_sarif(content)
    default = Path(file).name if file != STDIN else "standard input"
    origin = LogOrigin(
        target=location_of(path, base or None),
        base=base or None,
        name=(name or default)[:MAX_NAME_CHARACTERS],
        root=root,
    )
    execute(_import(origin, content, as_json=as_json))


def _read(file: str) -> bytes:
    """Return the content of a file or of standard input. Raises `Rejected` or `NotFound`."""
    try:
        if file == STDIN:
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(file).open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise NotFound(f"There is no file {file}.", hint="Name a SARIF log.") from None
    except OSError as error:
        raise Rejected(f"{file} cannot be read: {error.strerror}.", hint="Name a file.") from None


async def _import(origin: LogOrigin, content: bytes, *, as_json: bool) -> int:
    """Import a log and show what came of it; return 0, or 2 if it was refused."""
    async with connect() as client:
        event = await _imported(origin, content, client)
    if event.reason:
        fail(Rejected(event.reason, hint=event.hint))
        return WRONG_USE
    if as_json:
        print_data(event)
        return 0
    out.print(f"imported {count(event.findings, 'finding')} from {shown(event.name)}")
    for note in event.notes:
        out.print(f"  {shown(note)}")
    if not event.findings and event.notes and not origin.root:
        warn("If the tool ran in another folder than the repository is in, name it with --root.")
    if event.findings:
        out.print("See them with groundswell findings list; the next wave takes them up.")
    return 0


async def _imported(origin: LogOrigin, content: bytes, client: ApiClient) -> FindingsImported:
    """Return the event that says how the import ended."""
    accepted = await client.import_findings(origin, content)
    async for event in client.events(after=accepted.events_after):
        if isinstance(event, FindingsImported) and event.import_id == accepted.import_id:
            return event
    raise NotFound("The import did not end.")


@app.command()
def export(
    path: Repository = ".",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write to this file.", metavar="FILE"),
    ] = None,
    base: Branch = "",
) -> None:
    """Print all findings of a repository as a SARIF 2.1.0 log."""
    execute(_export(path, output, base))


async def _export(path: str, output: Path | None, base: str) -> int:
    """Write the findings as SARIF to a file or to standard output; return 0."""
    target = location_of(path, base or None)
    async with connect() as client:
        content = await client.exported_findings(target, **_branch(base))
    text = json.dumps(json.loads(content), indent=1)
    if output is None:
        print(text)  # noqa: T201 - data for another program
        return 0
    try:
        await asyncio.to_thread(output.write_text, text + "\n")
    except OSError as error:
        raise Rejected(f"{output} cannot be written: {error.strerror}.") from None
    runs = json.loads(content)["runs"]
    total = sum(len(each["results"]) for each in runs)
    out.print(f"wrote {count(total, 'finding')} of {count(len(runs), 'tool')} to {output}")
    return 0


def _branch(base: str) -> dict[str, str]:
    """Return the parameter that names a branch; none by default."""
    return {"base": base} if base else {}


@app.command(name="list")
def list_(
    path: Repository = ".",
    rule: Annotated[str, typer.Option(help="Only of this rule or tool.")] = "",
    component: Annotated[str, typer.Option(help="Only in this component.")] = "",
    base: Branch = "",
    limit: Limit = 100,
    *,
    as_json: Json = False,
) -> None:
    """List the findings of a repository: those measured last, and imported ones."""
    execute(_list(path, rule, component, base, limit, as_json=as_json))


async def _list(
    path: str, rule: str, component: str, base: str, limit: int, *, as_json: bool
) -> int:
    """Print findings as a table or as JSON; return 0."""
    target = location_of(path, base or None)
    async with connect() as client:
        found = await client.findings(
            target, rule=rule, component=component, limit=limit, **_branch(base)
        )
    if as_json:
        print_data(found)
    else:
        _print(found)
    return 0


def _print(found: FindingList) -> None:
    """Print findings for people: where they come from, and a table."""
    if found.commit:
        out.print(f"measured on commit {found.commit[:10]}")
    for log in found.logs:
        out.print(f"imported from {shown(log.name)}: {count(log.findings, 'finding')}")
    table = Table(box=None, pad_edge=False)
    for name in ("severity", "rule", "place", "fix", "message"):
        table.add_column(name, overflow="fold", no_wrap=name in {"severity", "rule"})
    for each in found.findings:
        place = shown(f"{each.path}:{each.line}")
        fix = {"no": "advice" if each.advice else "-"}.get(each.fixable, "yes")
        table.add_row(each.severity, shown(each.rule), place, fix, shown(each.message))
    out.print(table if found.findings else "No findings.")
    if found.total > len(found.findings):
        out.print(f"and {found.total - len(found.findings)} more: --limit {found.total}")
