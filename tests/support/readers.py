"""A target whose files a test names, for the resolver to read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.contracts.documents.targets import Target
from shared.kernel.errors import NotFound
from tests.support.builders import COMMIT


@dataclass
class FakeReader:
    """A `TargetReader` over contents by commit and path; `commits` are in their order."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=lambda: {COMMIT: {}})

    def read(self, target: Target, commit: str, paths: Iterable[str]) -> Mapping[str, bytes | None]:
        if commit not in self.commits:
            raise NotFound(f"There is no {commit}.")
        return {path: self.commits[commit].get(path) for path in paths}

    def newer(self, target: Target, one: str, other: str) -> str:
        order = [*self.commits]
        return max(one, other, key=order.index)
