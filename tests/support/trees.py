"""The port `Tree` over a dictionary of texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class FakeTree:
    content: Mapping[str, str] = field(default_factory=dict)
    oid: str = "t" * 40

    def files(self) -> tuple[str, ...]:
        return tuple(sorted(self.content))

    def read(self, path: str) -> bytes | None:
        text = self.content.get(path)
        return None if text is None else text.encode()

    def export(self, into: Path) -> None:
        into.mkdir(parents=True, exist_ok=True)
        for name, text in self.content.items():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            (into / name).write_text(text)
