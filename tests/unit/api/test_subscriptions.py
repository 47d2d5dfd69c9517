"""What an event becomes on its way out, and which repository a push is about."""

import json

import pytest

from services.api.domain.pushes import normal_location, read_push
from services.api.domain.subscriptions import MAX_BODY_BYTES, encode_event
from tests.support.builders import COMMIT, NOW


def test_a_large_event_keeps_its_short_fields():
    data = {"enhancement_id": "1", "files": ["x" * 100_000], "note": "y" * 100_000, "ok": True}
    text = encode_event("enhancement.applied", NOW, 7, data)
    assert len(text.encode()) <= MAX_BODY_BYTES
    body = json.loads(text)
    assert body["shortened"]
    assert (body["data"]["enhancement_id"], body["data"]["ok"]) == ("1", True)
    assert "files" not in body["data"]


@pytest.mark.parametrize(
    "location",
    [
        "https://github.com/acme/shop",
        "https://github.com/Acme/shop.git",
        "https://token@github.com/acme/shop/",
        "ssh://git@github.com:22/acme/shop.git",
        "git@github.com:acme/shop.git",
        "git://github.com/acme/shop.git",
    ],
)
def test_a_repository_goes_by_many_urls(location):
    assert normal_location(location) == "github.com/acme/shop"


@pytest.mark.parametrize("location", ["/srv/shop", "file:///srv/shop", "/srv/shop/"])
def test_a_path_is_itself(location):
    assert normal_location(location) == "/srv/shop"


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"ref": "refs/tags/v1", "after": COMMIT, "repository": "x"},
        {"ref": "refs/heads/main", "after": "0" * 40, "repository": "x"},
        {"ref": "refs/heads/main", "after": 7, "repository": "x"},
        {"ref": "refs/heads/main", "after": COMMIT, "repository": {}},
        {"ref": "refs/heads/main", "after": COMMIT, "repository": [1]},
        {"ref": "refs/heads/main", "after": COMMIT},
    ],
)
def test_what_is_no_push_to_a_branch_is_none(body):
    assert read_push(body) is None


def test_a_location_may_stand_for_a_repository():
    push = read_push({"ref": "refs/heads/a/b", "after": COMMIT, "repository": "/srv/shop"})
    assert push is not None
    assert (push.branch, push.commit, push.locations) == ("a/b", COMMIT, {"/srv/shop"})
