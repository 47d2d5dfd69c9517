"""`groundswell webhook …`: who is told of events, who may tell us of pushes, and the log."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel
from rich.table import Table

from cli.client import ApiClient
from cli.console import print_data, shown
from cli.execute import execute
from cli.options import Json, Limit
from cli.session import connect
from cli.text import out
from shared.contracts.commands import NewSender, NewWebhook, WebhookChange
from shared.contracts.documents.webhooks import SignatureKind
from shared.contracts.http import INBOUND_PREFIX
from shared.contracts.views import DeliveryView, WebhookSecret, WebhookView
from shared.kernel.ids import short_id

app = typer.Typer(
    help="Tell others of events, let them tell of pushes, and send again.", no_args_is_help=True
)
Id = Annotated[str, typer.Argument(help="Its id, or the end of it.")]
Description = Annotated[str, typer.Option(help="A note for people.")]
A = TypeVar("A", bound=BaseModel | list[WebhookView] | list[DeliveryView])
POLL_SECONDS, TEST_SECONDS = 0.2, 20.0


@app.command()
def create(
    url: Annotated[str, typer.Argument(help="What is called, by POST.")],
    events: Annotated[
        str, typer.Option(help="Patterns of types of events, separated by commas.")
    ] = "*",
    target: Annotated[str, typer.Option(help="Only events of the target with this id.")] = "",
    description: Description = "",
    *,
    as_json: Json = False,
) -> None:
    """Subscribe a URL to events, and show the secret that signs them, this once."""
    wanted = NewWebhook(
        url=url,
        events=tuple(each.strip() for each in events.split(",")),
        targets=(target,) if target else (),
        description=description,
    )
    execute(_run(lambda client: client.create_webhook(wanted), _show_secret, as_json=as_json))


@app.command()
def sender(
    kind: Annotated[SignatureKind, typer.Option(help="How it signs.")] = "github",
    description: Description = "",
    *,
    as_json: Json = False,
) -> None:
    """Let a sender tell of pushes, and show the secret that it signs with, this once."""
    wanted = NewSender(kind=kind, description=description)
    execute(_run(lambda client: client.create_sender(wanted), _show_secret, as_json=as_json))


@app.command(name="list")
def list_(limit: Limit = 20, *, as_json: Json = False) -> None:
    """List the webhooks, newest first."""
    execute(_run(lambda client: client.webhooks(limit), _show_webhooks, as_json=as_json))


@app.command()
def enable(webhook: Id, *, as_json: Json = False) -> None:
    """Switch a webhook on again."""
    execute(_switch(webhook, on=True, as_json=as_json))


@app.command()
def disable(webhook: Id, *, as_json: Json = False) -> None:
    """Switch a webhook off: nothing is sent, and what is still to be delivered is given up."""
    execute(_switch(webhook, on=False, as_json=as_json))


@app.command()
def delete(webhook: Id) -> None:
    """Delete a webhook."""

    async def run() -> int:
        """Delete it; return exit code 0."""
        async with connect() as client:
            await client.delete_webhook(webhook)
        out.print("It is deleted.")
        return 0

    execute(run())


@app.command()
def rotate(webhook: Id, *, as_json: Json = False) -> None:
    """Give a webhook a new secret; for a day the old one signs as well."""
    execute(_run(lambda client: client.rotate_secret(webhook), _show_secret, as_json=as_json))


@app.command(name="test")
def send_test(webhook: Id, *, as_json: Json = False) -> None:
    """Send an event of the type `webhook.test`, and show what the receiver answered."""

    async def send(client: ApiClient) -> list[DeliveryView]:
        """Send it, and wait for the first answer."""
        delivery = await client.send_test(webhook)
        waited = 0.0
        while not delivery.attempts and waited < TEST_SECONDS:
            await asyncio.sleep(POLL_SECONDS)
            waited += POLL_SECONDS
            delivery = await client.delivery(delivery.id)
        return [delivery]

    execute(_run(send, _show_deliveries, as_json=as_json))


@app.command()
def deliveries(
    webhook: Annotated[str, typer.Option(help="Only those for this webhook.")] = "",
    state: Annotated[str, typer.Option(help="Only those in this state, such as dead.")] = "",
    limit: Limit = 20,
    *,
    as_json: Json = False,
) -> None:
    """List what is and was delivered, newest first, with the last answer."""
    execute(
        _run(
            lambda client: client.deliveries(webhook, state, limit),
            _show_deliveries,
            as_json=as_json,
        )
    )


@app.command()
def replay(delivery: Id, *, as_json: Json = False) -> None:
    """Send something again, under the same id."""

    async def again(client: ApiClient) -> list[DeliveryView]:
        """Queue it again."""
        return [await client.replay_delivery(delivery)]

    execute(_run(again, _show_deliveries, as_json=as_json))


async def _run(
    ask: Callable[[ApiClient], Awaitable[A]], show: Callable[[A], None], *, as_json: bool
) -> int:
    """Ask the API and show its answer; return exit code 0."""
    async with connect() as client:
        answer = await ask(client)
    if not as_json:
        show(answer)
    elif isinstance(answer, BaseModel):
        print_data(answer.model_dump(mode="json"))
    else:
        print_data([each.model_dump(mode="json") for each in answer])
    return 0


async def _switch(webhook: str, *, on: bool, as_json: bool) -> int:
    """Switch a webhook on or off, and show it."""

    async def change(client: ApiClient) -> list[WebhookView]:
        """Change it."""
        return [await client.change_webhook(webhook, WebhookChange(enabled=on))]

    return await _run(change, _show_webhooks, as_json=as_json)


def _show_secret(made: WebhookSecret) -> None:
    """Show a webhook and its secret."""
    _show_webhooks([made.webhook])
    out.print(f"Secret, shown this once: {shown(made.secret)}")
    if made.webhook.direction == "in":
        out.print(f"It is told at {INBOUND_PREFIX}{made.webhook.id} of the API.")


def _show_webhooks(found: Sequence[WebhookView]) -> None:
    """Show webhooks as a table."""
    rows = [
        (
            short_id(each.id),
            each.direction,
            each.url or each.kind,
            ", ".join(each.events),
            each.disabled or "enabled",
            each.description,
        )
        for each in found
    ]
    _table(("id", "", "receiver or sender", "events", "state", ""), rows, "No webhook.")


def _show_deliveries(found: Sequence[DeliveryView]) -> None:
    """Show deliveries as a table, with what came of the last try."""
    rows = [
        (
            short_id(each.id),
            f"{each.created_at:%m-%d %H:%M:%S}",
            each.topic,
            each.state,
            str(len(each.attempts)),
            _last(each),
        )
        for each in found
    ]
    _table(("id", "since", "about", "state", "tries", "the last"), rows, "No delivery.")


def _last(delivery: DeliveryView) -> str:
    """Return what came of the last try."""
    if not delivery.attempts:
        return ""
    last = delivery.attempts[-1]
    return last.error or f"{last.status} in {last.seconds:.1f} s"


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> None:
    """Print a table of foreign text, or a sentence where there are no rows."""
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name)
    for row in rows:
        table.add_row(*map(shown, row))
    out.print(table if rows else nothing)
