"""The dependencies of the use cases of the resolver."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.resolver.domain.book import LeaseBook
from services.resolver.domain.footprints import Footprint
from services.resolver.ports import TargetReader
from shared.contracts.documents.enhancements import Enhancement
from shared.kernel.clock import Clock
from shared.messaging.ports import Publisher
from shared.mongo.collections import Store
from shared.targets.patches import FilePatch


@dataclass(frozen=True)
class ResolverDeps:
    """The ports of the use cases, and the run-time state of this process.

    `changes` are those read so far by their ids, `patches` those parsed, by their digests, and
    `footprints` those computed, by change and commit. `published` are the ids of the
    conflicts whose resolution this process has published. `locks`, by target, keep two proposals
    from being compared at once, which would only be done again. `books` are the lease ledgers of
    targets as this process read or saved them last; `ledger_locks` keep it from deciding twice at
    once on the same one.
    """

    store: Store
    bus: Publisher
    clock: Clock
    reader: TargetReader
    changes: dict[str, Enhancement] = field(default_factory=dict)
    patches: dict[str, Sequence[FilePatch]] = field(default_factory=dict)
    footprints: dict[tuple[str, str], Footprint | None] = field(default_factory=dict)
    published: set[str] = field(default_factory=set)
    locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    books: dict[str, LeaseBook] = field(default_factory=dict)
    ledger_locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
