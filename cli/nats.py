"""`groundswell nats env`: how the plain `nats` command line reaches the running stack."""

import json
import shlex
from typing import Annotated
from urllib.parse import urlsplit

import typer

from cli.execute import execute
from cli.options import Json
from deploy.credentials import load_credentials
from deploy.homes import find_running_stack
from deploy.programs import nats_url_as
from shared.kernel.errors import NotFound
from shared.targets.home import default_home

app = typer.Typer(
    help="Use the plain `nats` command line with the running stack.", no_args_is_help=True
)


@app.callback()
def group() -> None:
    """Keep `env` a command of its own, however many there are."""


@app.command()
def env(
    *,
    operator: Annotated[
        bool,
        typer.Option(
            "--operator", help="With all rights: to replay dead letters, to edit streams."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    r"""Print the variables that `nats` reads: eval "$(groundswell nats env)"."""
    execute(_env(operator=operator, as_json=as_json))


async def _env(*, operator: bool, as_json: bool) -> int:
    """Print the variables as shell commands or as JSON; return exit code 0."""
    variables = nats_variables(operator=operator)
    if as_json:
        typer.echo(json.dumps(variables, indent=1))
    else:
        for name, value in variables.items():
            typer.echo(f"export {name}={shlex.quote(value)}")
    return 0


def nats_variables(*, operator: bool) -> dict[str, str]:
    """Return NATS_URL, and NATS_USER and NATS_PASSWORD if needed, for the home's running stack.

    Raises `NotFound` if none is up.
    """
    home = default_home()
    stack = find_running_stack(home)
    if stack is None:
        raise NotFound("No stack is up.", hint="Start one: groundswell up", code="no_stack")
    url = stack.nats_url
    if operator and urlsplit(url).username == "user":
        url = nats_url_as("operator", url, load_credentials(home))
    parts = urlsplit(url)
    variables = {"NATS_URL": f"{parts.scheme}://{parts.hostname}:{parts.port}"}
    if parts.username and parts.password:
        variables |= {"NATS_USER": parts.username, "NATS_PASSWORD": parts.password}
    return variables
