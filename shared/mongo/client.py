"""Access to MongoDB; the only module that imports Motor, so that it can be replaced here alone."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import IndexModel, UpdateOne
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
DUPLICATE_KEY_CODE = 11000
INDEX_OF_IDS = "_id_"
MAX_HINT_CHARS = 300
MAX_CONNECTIONS = 8


class Collection:
    """The operations on a collection that Groundswell uses.

    Each of them raises `Transient` when the server cannot be reached.
    """

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
        """Return the matching records, all if `limit` is 0; with `fields` only those and `_id`."""
        cursor = self._collection.find(where, list(fields) or None, limit=limit)
        if sort:
            cursor = cursor.sort(list(sort))
        with _transient_errors():
            return await cursor.to_list(None)

    async def insert(self, record: Record) -> bool:
        """Insert `record`; return False if one of its unique keys is taken."""
        try:
            with _transient_errors():
                await self._collection.insert_one(record)
        except DuplicateKeyError:
            return False
        return True

    async def insert_missing(self, records: Sequence[Record]) -> int:
        """Insert the records whose unique keys are free, and return how many those were."""
        if not records:
            return 0
        try:
            with _transient_errors():
                result = await self._collection.insert_many(list(records), ordered=False)
        except BulkWriteError as error:
            failures = error.details["writeErrors"]
            if any(failure["code"] != DUPLICATE_KEY_CODE for failure in failures):
                raise
            return len(records) - len(failures)
        return len(result.inserted_ids)

    async def update(self, where: Record, change: Record) -> bool:
        """Update one matching record, and return whether one matched."""
        with _transient_errors():
            result = await self._collection.update_one(where, change)
        return bool(result.matched_count)

    async def update_each(self, changes: Sequence[tuple[Record, Record]]) -> int:
        """Update one record that matches the first of each pair, by the second, in a round trip.

        Returns how many were matched.
        """
        if not changes:
            return 0
        with _transient_errors():
            updates = [UpdateOne(where, change) for where, change in changes]
            return int((await self._collection.bulk_write(updates, ordered=False)).matched_count)

    async def replace(self, where: Record, record: Record) -> bool:
        """Replace one matching record, and return whether one matched."""
        with _transient_errors():
            return bool((await self._collection.replace_one(where, record)).matched_count)

    async def remove(self, where: Record) -> bool:
        """Delete one matching record, and return whether one matched."""
        with _transient_errors():
            return bool((await self._collection.delete_one(where)).deleted_count)

    async def count(self, where: Record) -> int:
        """Return the number of records that match."""
        with _transient_errors():
            return int(await self._collection.count_documents(where))

    async def count_by(self, where: Record, fields: Sequence[str]) -> list[tuple[Record, int]]:
        """Return the values of `fields` that matching records have together, and how often."""
        names = {f"f{n}": f"${field}" for n, field in enumerate(fields)}
        group = {"$group": {"_id": names, "count": {"$sum": 1}}}
        with _transient_errors():
            found = await self._collection.aggregate([{"$match": where}, group]).to_list(None)
        return [
            ({field: each["_id"].get(f"f{n}") for n, field in enumerate(fields)}, each["count"])
            for each in found
        ]

    async def create_indexes(self, indexes: Sequence[IndexModel]) -> None:
        """Create the indexes that are missing, and drop those of an earlier version.

        An old unique index would refuse documents that are different by now.
        """
        with _transient_errors():
            wanted = {each.document["name"] for each in indexes} | {INDEX_OF_IDS}
            present = await self._collection.index_information()
            if indexes:
                await self._collection.create_indexes(list(indexes))
            for name in sorted(present.keys() - wanted):
                await self._collection.drop_index(name)


class Database:
    """The database `name` of a server, and the client that is connected to it."""

    def __init__(self, client: "AsyncIOMotorClient[Record]", name: str) -> None:
        self._client = client
        options: CodecOptions[Record] = CodecOptions(tz_aware=True, tzinfo=UTC)
        self._database: AsyncIOMotorDatabase[Record] = client.get_database(
            name, codec_options=options
        )

    def __getitem__(self, name: str) -> Collection:
        """Return the collection `name`, which need not exist yet."""
        return Collection(self._database[name])

    async def ping(self) -> None:
        """Raise `Transient` unless the server answers."""
        with _transient_errors():
            await self._client.admin.command("ping")

    def close(self) -> None:
        """Close the client with all its connections."""
        self._client.close()


def connect(url: str, database: str = "groundswell", *, timeout: float = 5.0) -> Database:
    """Return a database that connects when first used.

    Its operations try to reach a server for `timeout` seconds before they raise `Transient`.
    """
    client: AsyncIOMotorClient[Record] = AsyncIOMotorClient(
        url,
        serverSelectionTimeoutMS=int(timeout * 1000),
        maxPoolSize=MAX_CONNECTIONS,
        retryWrites=True,
        appname="groundswell",
    )
    return Database(client, database)


@asynccontextmanager
async def connected(url: str, database: str = "groundswell") -> AsyncIterator[Database]:
    """Open a database for the `async with` block, and close it at the end."""
    client = connect(url, database)
    try:
        yield client
    finally:
        client.close()


class _transient_errors:  # noqa: N801 - used as a function
    """Turns connection errors of the driver into `Transient`, and leaves all others as they are."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ServerSelectionTimeoutError | AutoReconnect | ConnectionFailure):
            raise Transient("MongoDB does not answer.", hint=str(error)[:MAX_HINT_CHARS]) from error
        if isinstance(error, PyMongoError) and error.has_error_label("TransientTransactionError"):
            raise Transient(
                "MongoDB asks to try again.", hint=str(error)[:MAX_HINT_CHARS]
            ) from error
