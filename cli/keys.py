"""`groundswell keys`: make, list, rotate and revoke keys of the HTTP API."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from cli.client import ApiClient
from cli.console import print_data, shown
from cli.execute import execute
from cli.options import Json, Limit
from cli.session import connect
from cli.text import out
from shared.contracts.answers import KeyMade
from shared.contracts.commands import CreateKey, RotateKey
from shared.contracts.documents.access import Scope
from shared.contracts.views import KeyView
from shared.kernel.clock import utc_now
from shared.kernel.ids import short_id

app = typer.Typer(help="Keys of the HTTP API, each with its scopes.", no_args_is_help=True)
KeyId = Annotated[str, typer.Argument(help="The id of the key, or its end.", metavar="KEY")]
COLUMNS = ("key", "name", "prefix", "scopes", "targets", "last used", "valid")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[list[Scope], typer.Option(help="What it allows; may be repeated.")] = [  # noqa: B006 - typer copies it
        Scope.READ
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(help="Only this target (path, URL or id); may be repeated.", metavar="TARGET"),
    ] = None,
    days: Annotated[int, typer.Option(help="Valid for so many days; 0: until revoked.", min=0)] = 0,
    *,
    as_json: Json = False,
) -> None:
    """Make a key, and print it: it is shown this once."""
    wanted = CreateKey(
        name=name,
        scopes=tuple(scope),
        targets=tuple(target or ()),
        expires_at=utc_now() + timedelta(days=days) if days else None,
    )
    execute(_make(lambda client: client.create_key(wanted), as_json=as_json))


@app.command()
def rotate(
    key: KeyId,
    grace: Annotated[
        int, typer.Option(help="Seconds for which the old key stays valid.", min=0, max=604_800)
    ] = 0,
    *,
    as_json: Json = False,
) -> None:
    """Make a key that takes the place of another one, and print it."""
    wanted = RotateKey(grace_seconds=grace)
    execute(_make(lambda client: client.rotate_key(key, wanted), as_json=as_json))


async def _make(make: Callable[[ApiClient], Awaitable[KeyMade]], *, as_json: bool) -> int:
    """Make a key and print it; return exit code 0."""
    async with connect(start_stack=False) as client:
        made = await make(client)
    if as_json:
        print_data(made)
        return 0
    out.print(f"key {short_id(made.key.id)} ({shown(made.key.name)}); this is shown once only:")
    out.print(made.secret, markup=False, soft_wrap=True)
    return 0


@app.command(name="list")
def list_(limit: Limit = 100, *, as_json: Json = False) -> None:
    """List the newest keys, without their texts."""
    execute(_list(limit, as_json=as_json))


async def _list(limit: int, *, as_json: bool) -> int:
    """Print the newest keys as a table or as JSON; return exit code 0."""
    async with connect(start_stack=False) as client:
        found = await client.keys(limit)
    if as_json:
        print_data([each.model_dump(mode="json") for each in found])
        return 0
    table = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name)
    for each in found:
        table.add_row(*map(shown, _row(each)))
    out.print(table if found else "No keys but the local one.")
    return 0


def _row(key: KeyView) -> tuple[str, ...]:
    """Return what the table says about a key, by column."""
    valid = f"until {key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else "until revoked"
    return (
        short_id(key.id),
        key.name,
        key.prefix,
        ", ".join(key.scopes),
        ", ".join(map(short_id, key.targets)) or "all",
        f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never",
        f"revoked {key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else valid,
    )


@app.command()
def revoke(key: KeyId, *, as_json: Json = False) -> None:
    """Revoke a key: it is refused from now on."""
    execute(_revoke(key, as_json=as_json))


async def _revoke(key: str, *, as_json: bool) -> int:
    """Revoke a key and say so; return exit code 0."""
    async with connect(start_stack=False) as client:
        revoked = await client.revoke_key(key)
    if as_json:
        print_data(revoked)
    else:
        out.print(f"key {short_id(revoked.id)} ({shown(revoked.name)}) revoked")
    return 0
