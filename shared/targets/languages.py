"""The registry of languages: the kinds of source files that agents may change, as data."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.kernel import sections, syntax


@dataclass(frozen=True)
class Language:
    """A kind of source file: how it is recognised, and whether we can parse it.

    A file's name must end in one of `suffixes` and in none of `generated_suffixes`, which are
    those of files that tools write. `recognise` decides by the content where the name is not
    enough.
    `parse` raises `SyntaxError` or `ValueError` for invalid text; it is None without a parser.
    `syntax` is the name of the syntax in messages.
    """

    name: str
    syntax: str
    suffixes: tuple[str, ...]
    generated_suffixes: tuple[str, ...] = ()
    recognise: Callable[[bytes], bool] | None = None
    parse: Callable[[bytes], object] | None = None
    line_comment: str = ""

    def has_suffix(self, path: str) -> bool:
        """Return whether a path is named like a file of this language that no tool generates."""
        return path.endswith(self.suffixes) and not path.endswith(self.generated_suffixes)

    def contains(self, path: str, content: bytes) -> bool:
        """Return whether a file is of this language, by its name and its content."""
        return self.has_suffix(path) and (self.recognise is None or self.recognise(content))

    def without_suffix(self, path: str) -> str:
        """Return a path without the suffix of this language; any other path as it is."""
        longest_first = sorted(self.suffixes, key=len, reverse=True)
        return path.removesuffix(next(filter(path.endswith, longest_first), ""))

    def is_valid(self, content: bytes) -> bool:
        """Return whether content can be parsed; true where there is no parser."""
        try:
            if self.parse is not None:
                self.parse(content)
        except (SyntaxError, ValueError, RecursionError):
            return False
        return True


def is_workflow(content: bytes) -> bool:
    """Return whether JSON text is an n8n workflow, or a list of them as `n8n export` writes it."""
    try:
        exported = json.loads(content)
    except (ValueError, RecursionError):
        return False
    workflows = exported if isinstance(exported, list) else [exported]
    return bool(workflows) and all(map(_has_nodes_and_connections, workflows))


def _has_nodes_and_connections(workflow: Any) -> bool:
    """Return whether a value of JSON has the nodes and connections of an n8n workflow."""
    if not isinstance(workflow, dict) or not isinstance(workflow.get("connections"), dict):
        return False
    nodes = workflow.get("nodes")
    return isinstance(nodes, list) and all(
        isinstance(node, dict) and isinstance(node.get("type"), str) for node in nodes
    )


def check_python(content: bytes) -> None:
    """Raise SyntaxError or ValueError for content that is no valid Python.

    Of a text in UTF-8 only the sections are parsed that are not known from another version of it.
    """
    text = sections.plain_text(content)
    if text is None:
        syntax.parse(content)
    elif not sections.is_valid(text):
        raise SyntaxError("it is no valid Python")


PYTHON = Language(
    name="python",
    syntax="Python",
    suffixes=(".py",),
    parse=check_python,
    line_comment="#",
)
JAVASCRIPT = Language(
    name="javascript",
    syntax="JavaScript or TypeScript",
    suffixes=(".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"),
    generated_suffixes=(".min.js", ".d.ts"),
    line_comment="//",
)
WORKFLOW = Language(
    name="workflow",
    syntax="JSON",
    suffixes=(".json",),
    recognise=is_workflow,
    parse=json.loads,
)
LANGUAGES = (PYTHON, JAVASCRIPT, WORKFLOW)


def language_by_name(path: str) -> Language | None:
    """Return the language that a path is named like, else None; its content may differ."""
    return next((each for each in LANGUAGES if each.has_suffix(path)), None)


def language_of(path: str, content: bytes) -> Language | None:
    """Return the language of a file by its name and content; None if it is not in the registry."""
    return next((each for each in LANGUAGES if each.contains(path, content)), None)


def invalid_reason(path: str) -> str:
    """Return why a change is refused after which this file cannot be parsed."""
    language = language_by_name(path)
    return f"{path} would not be valid {language.syntax if language else 'text'}"
