"""What a person can mend ends a service in words, without a traceback."""

import json
import os
import subprocess
import sys

SERVICE = """
from shared.kernel.errors import Rejected
from shared.launch import launch
from shared.settings import ServiceSettings

class Settings(ServiceSettings):
    provision: bool = False

async def refused(settings):
    raise Rejected("The stream differs.", hint="Delete it.", code="stream_drift")

launch("resolver", Settings, refused)
"""


def ended(**variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", SERVICE],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_refusal_is_one_line_in_words():
    done = ended()
    assert done.returncode == 1
    line = json.loads(done.stderr)
    assert line["reason"] == "The stream differs. Delete it."
    assert line["code"] == "stream_drift"


def test_a_wrong_setting_is_named_as_it_was_given():
    done = ended(GROUNDSWELL_PROVISION="perhaps")
    assert done.returncode == 2
    assert json.loads(done.stderr)["reason"].startswith("GROUNDSWELL_PROVISION: ")
