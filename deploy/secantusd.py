# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The program `secantusd-py`, after it was given its only user: `python -m deploy.secantusd ...`.

It takes the arguments of `secantusd-py`, and the user's password from the environment variable
GROUNDSWELL_MONGO_PASSWORD. The server itself could create a user only while it lets everybody in,
so the user is written to its storage before the server listens.
"""

import hashlib
import os
import sys
from pathlib import Path

from secantus import cli
from secantus.auth import SCRAM_SHA_256, derive_credentials
from secantus.storage import Storage

USER, DATABASE = "groundswell", "admin"
# In the storage itself, so that it is gone with it.
MARKER = "groundswell-user"
PASSWORD_VARIABLE = "GROUNDSWELL_MONGO_PASSWORD"  # noqa: S105 - a name


def ensure_user(folder: Path, password: str) -> None:
    """Create the user with this password and drop any other, unless an earlier start did."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    marker = folder / MARKER
    if marker.exists() and marker.read_text() == digest:
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    storage = Storage(str(folder))
    try:
        for each in storage.list_users():
            storage.drop_user(each["db"], each["user"])
        storage.add_user(DATABASE, USER, _record(password), replace=True)
    finally:
        storage.close()
    marker.touch(mode=0o600)
    marker.write_text(digest)


def _record(password: str) -> dict[str, object]:
    """Return the record that the server's own command `createUser` would store."""
    credentials = derive_credentials(password, mechanism=SCRAM_SHA_256, username=USER)
    return {
        "_id": f"{DATABASE}.{USER}",
        "user": USER,
        "db": DATABASE,
        "credentials": credentials.to_doc(),
        "roles": [{"role": "root", "db": DATABASE}],
        "mechanisms": [SCRAM_SHA_256],
    }


def main() -> int:
    """Run the server with the arguments of the command line; return its exit code."""
    folder = Path(sys.argv[sys.argv.index("--storage-path") + 1])
    ensure_user(folder, os.environ.pop(PASSWORD_VARIABLE))
    return int(cli.main() or 0)


if __name__ == "__main__":
    sys.exit(main())
