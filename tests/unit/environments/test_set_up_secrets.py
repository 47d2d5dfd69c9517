"""A set-up step finds none of the files in which people keep their secrets."""

import json
import os
from pathlib import Path

import pytest

from shared.environments.build import UvEnvironments
from shared.kernel.ids import uuid7
from shared.sandbox.scratch import Scratch
from tests.support.profiles import a_profile
from tests.support.sandboxes import a_home, a_sandbox, the_best
from tests.support.trees import FakeTree

OF_A_USER = (
    ".netrc",
    ".pypirc",
    ".npmrc",
    ".git-credentials",
    ".config/pip/pip.conf",
    ".config/uv/uv.toml",
    ".ssh/id_ed25519",
    ".aws/credentials",
)
OF_GROUNDSWELL = ("credentials.json", "stack.json", "identity")
MARK = "a-secret-of-somebody"
# It looks where tools look, and where the files really are, which an attacker may guess.
LOOK = """
import json, os, pathlib, pwd, sys

homes = [*sys.argv[1:], os.path.expanduser("~"), pwd.getpwuid(os.getuid())[5], "/root"]
found = [name for name, value in os.environ.items() if "MARK" in value]
for home in homes:
    for name in NAMES:
        try:
            text = (pathlib.Path(home) / name).read_text()
        except OSError:
            continue
        if "MARK" in text:
            found.append(os.path.join(home, name))
(pathlib.Path(os.environ["VIRTUAL_ENV"]) / "found.json").write_text(json.dumps(found))
"""


def hide_secrets(home: Path, names: tuple[str, ...]) -> None:
    """Write secrets that every user here may read, so that only the sandbox hides them."""
    for name in names:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"token = {MARK}\n")
        path.chmod(0o644)


async def test_a_set_up_step_finds_no_files_of_the_user_nor_of_groundswell(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("GROUNDSWELL_FORGE_TOKEN", MARK)
    monkeypatch.setenv("GROUNDSWELL_N8N_API_KEY", MARK)
    names = OF_A_USER + OF_GROUNDSWELL
    look = LOOK.replace("MARK", MARK).replace("NAMES", repr(names))
    with a_home() as user, a_home() as home:
        hide_secrets(user, OF_A_USER)
        hide_secrets(home, OF_GROUNDSWELL)
        monkeypatch.setenv("HOME", str(user))
        scratch = Scratch(home / "work", uuid7)
        async with a_sandbox(the_best()) as sandbox:
            if not sandbox.trusted:
                pytest.skip("this machine has no sandbox that hides files")
            builder = UvEnvironments(home, sandbox, scratch, lambda *_: FakeTree({"look.py": look}))
            profile = a_profile(setup=(f"python look.py {user} {home}",))
            made = await builder.prepare("target", profile, "tree")
        scratch.close()
        assert json.loads((made.bin.parent / "found.json").read_text()) == []
        assert os.environ["HOME"] == str(user)
