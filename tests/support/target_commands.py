"""Commands of a target that print what a test says, and run nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared.detectors.ports import Change, Source


@dataclass
class FakeCommands:
    """`answer` gets a script and the texts that it is run on, and returns what it prints."""

    answer: Callable[[str, Mapping[str, str]], str]
    scripts: list[str] = field(default_factory=list)

    async def rewrite(self, _source: Source, _command: str) -> Mapping[str, Change]:
        return {}

    async def read(
        self,
        source: Source,
        script: str,
        files: Mapping[str, str] | None = None,
        *,
        timeout: float,
    ) -> str:
        assert timeout > 0
        self.scripts.append(script)
        texts = {path: source.text(path) or "" for path in source.tree.files()}
        return self.answer(script, {**texts, **(files or {})})
