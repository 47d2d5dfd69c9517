"""The random credentials of a home: its API's key, its database's and NATS users' passwords."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from shared.kernel.errors import Rejected
from shared.targets.home import write_private

FILE_NAME = "credentials.json"
# The users of deploy/nats/accounts.conf: the services, people, and people who repair things.
NATS_USERS = ("coordinator", "agents", "resolver", "validator", "api", "user", "operator")
SECRET_BYTES = 24


@dataclass(frozen=True)
class Credentials:
    """What the processes and commands of one home log in with; nobody else's do."""

    api_key: str
    mongo_password: str
    nats_passwords: Mapping[str, str]

    def nats_variables(self) -> dict[str, str]:
        """Return the environment variables from which accounts.conf takes the passwords."""
        return {
            f"GROUNDSWELL_NATS_PASSWORD_{user.upper()}": password
            for user, password in self.nats_passwords.items()
        }


def load_credentials(home: Path) -> Credentials:
    """Return the credentials of a home; the first call makes them, in a file of this user alone.

    Raises `Rejected` where the file cannot be read.
    """
    path = home / FILE_NAME
    if not path.exists():
        write_private(path, json.dumps(asdict(_make_credentials()), indent=1))
    try:
        return Credentials(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise Rejected(
            f"{path} cannot be read: {error}.",
            hint="Remove it while no stack is up; the next start makes new credentials.",
            code="credentials_unreadable",
        ) from error


def _make_credentials() -> Credentials:
    """Return new random credentials for every user."""
    return Credentials(_secret(), _secret(), {user: _secret() for user in NATS_USERS})


def _secret() -> str:
    """Return a random password or key."""
    # A letter first: nats-server reads digits in a variable as a number.
    return f"gs{secrets.token_hex(SECRET_BYTES)}"


def compose_variables() -> str:
    """Return the contents of an `.env` file for docker-compose.yml, with new credentials."""
    made = _make_credentials()
    variables = {
        **made.nats_variables(),
        "GROUNDSWELL_MONGO_PASSWORD": made.mongo_password,
        "GROUNDSWELL_MONGO_KEY": _secret(),
        "GROUNDSWELL_API_KEY": made.api_key,
    }
    return "".join(f"{name}={value}\n" for name, value in variables.items())


if __name__ == "__main__":
    # python -m deploy.credentials > .env
    os.write(1, compose_variables().encode())
