"""The one importer of Motor: moving to `pymongo.AsyncMongoClient` is an edit of this module."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import IndexModel
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from shared.kernel.errors import Transient

Record = dict[str, Any]
DUPLICATE_KEY = 11000


class Collection:
    """The few operations Groundswell uses. A lost server is `Transient`, never a hang."""

    def __init__(self, collection: "AsyncIOMotorCollection[Record]") -> None:
        self._collection = collection

    async def find(
        self,
        where: Record,
        *,
        sort: Sequence[tuple[str, int]] = (),
        limit: int = 0,
        fields: Sequence[str] = (),
    ) -> list[Record]:
        """Every record that matches; `fields` leaves the others unread."""
        cursor = self._collection.find(where, list(fields) or None, limit=limit)
        if sort:
            cursor = cursor.sort(list(sort))
        with _translated():
            return await cursor.to_list(None)

    async def insert(self, record: Record) -> bool:
        """Insert; False where a unique key already has it."""
        try:
            with _translated():
                await self._collection.insert_one(record)
        except DuplicateKeyError:
            return False
        return True

    async def insert_missing(self, records: Sequence[Record]) -> int:
        """Insert those whose unique keys are free; how many they were."""
        if not records:
            return 0
        try:
            with _translated():
                result = await self._collection.insert_many(list(records), ordered=False)
        except BulkWriteError as error:
            failures = error.details["writeErrors"]
            if any(failure["code"] != DUPLICATE_KEY for failure in failures):
                raise
            return len(records) - len(failures)
        return len(result.inserted_ids)

    async def update(self, where: Record, change: Record, *, upsert: bool = False) -> bool:
        """Update one record; whether one matched or was made."""
        with _translated():
            result = await self._collection.update_one(where, change, upsert=upsert)
        return bool(result.matched_count or result.upserted_id is not None)

    async def update_many(self, where: Record, change: Record) -> int:
        """Update every record that matches; how many did."""
        with _translated():
            return int((await self._collection.update_many(where, change)).matched_count)

    async def replace(self, where: Record, record: Record) -> bool:
        """Replace one record whole; whether one matched."""
        with _translated():
            return bool((await self._collection.replace_one(where, record)).matched_count)

    async def remove(self, where: Record) -> bool:
        """Delete one record that matches; whether one did."""
        with _translated():
            return bool((await self._collection.delete_one(where)).deleted_count)

    async def count(self, where: Record) -> int:
        """How many records match."""
        with _translated():
            return int(await self._collection.count_documents(where))

    async def create_indexes(self, indexes: Sequence[IndexModel]) -> None:
        """Create what is missing."""
        if indexes:
            with _translated():
                await self._collection.create_indexes(list(indexes))


class Database:
    """A database by name; `close` ends its client."""

    def __init__(self, client: "AsyncIOMotorClient[Record]", name: str) -> None:
        self._client = client
        options: CodecOptions[Record] = CodecOptions(tz_aware=True, tzinfo=UTC)
        self._database: AsyncIOMotorDatabase[Record] = client.get_database(
            name, codec_options=options
        )

    def __getitem__(self, name: str) -> Collection:
        return Collection(self._database[name])

    async def ping(self) -> None:
        """Raise `Transient` unless the server answers."""
        with _translated():
            await self._client.admin.command("ping")

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


def connect(url: str, database: str = "groundswell", *, patience: float = 5.0) -> Database:
    """A lazy connection; `patience` is how many seconds an operation looks for a server."""
    client: AsyncIOMotorClient[Record] = AsyncIOMotorClient(
        url,
        serverSelectionTimeoutMS=int(patience * 1000),
        maxPoolSize=8,
        retryWrites=True,
        appname="groundswell",
    )
    return Database(client, database)


@asynccontextmanager
async def connected(url: str, database: str = "groundswell") -> AsyncIterator[Database]:
    """`connect`, closed at the end."""
    client = connect(url, database)
    try:
        yield client
    finally:
        client.close()


class _translated:  # noqa: N801 - used as a function
    """A server that is away is `Transient`; everything else is ours to fix."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ServerSelectionTimeoutError | AutoReconnect | ConnectionFailure):
            raise Transient("MongoDB does not answer.", hint=str(error)[:300]) from error
        if isinstance(error, PyMongoError) and error.has_error_label("TransientTransactionError"):
            raise Transient("MongoDB asks to try again.", hint=str(error)[:300]) from error
