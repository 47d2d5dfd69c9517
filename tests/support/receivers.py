"""A fake of what is told things over HTTP."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.http.addresses import read_url
from shared.http.protected import Answer


@dataclass
class FakeReceiver:
    """Records what is posted; `answers` are given in turn, then 200."""

    answers: list[Answer | BaseException] = field(default_factory=list)
    got: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)

    async def check(self, url: str) -> None:
        read_url(url)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.got.append((url, body.decode(), headers))
        given = self.answers.pop(0) if self.answers else Answer(200, "ok")
        if isinstance(given, BaseException):
            raise given
        return given

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body, _ in self.got]
