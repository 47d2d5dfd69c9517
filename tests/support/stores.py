"""A real store with a database of its own, and a clock that goes when it is told to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.kernel.ids import uuid7
from shared.mongo.client import connected
from shared.mongo.collections import Store, ensure_indexes, open_store
from tests.support.builders import NOW


@asynccontextmanager
async def a_real_store(mongo_url: str) -> AsyncIterator[Store]:
    async with connected(mongo_url, "test_" + uuid7().replace("-", "")) as database:
        await ensure_indexes(database)
        yield open_store(database)


@dataclass
class Watch:
    """A `Clock`."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def go(self, **time: float) -> datetime:
        self.now += timedelta(**time)
        return self.now
