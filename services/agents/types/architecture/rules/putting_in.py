"""Puts definitions that left a file into another one, or into a new module."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

from services.agents.types.architecture.rules.import_lines import end_of_head, grouped, in_sections
from services.agents.types.architecture.rules.taking_out import MovedLines
from shared.detectors.imports.needs import named_statements
from shared.detectors.texts import split_lines
from shared.kernel.syntax import parse


def with_definitions(
    text: str, gone: Iterable[range], blocks: Sequence[MovedLines], needs: Mapping[str, str]
) -> str:
    """Return a text without the lines `gone`, with blocks behind its imports and what they need."""
    rows = {row for each in gone for row in each}
    text = "".join(e for row, e in enumerate(split_lines(text), 1) if row not in rows)
    at, has_imports = end_of_head(text)
    lines = split_lines(text)
    head, rest = "".join(lines[:at]), "".join(lines[at:]).strip("\r\n")
    have = {name for name, _ in named_statements(parse(text))}
    missing = grouped(each for name, each in needs.items() if name not in have)
    gap = "\n" if head.strip() and not has_imports and missing else ""
    top = f"{head}{gap}{''.join(missing)}".rstrip()
    return "\n\n\n".join(filter(None, [top, joined(blocks), rest])) + "\n"


def new_module(
    head: str,
    statements: Iterable[str],
    blocks: Sequence[MovedLines],
    is_ours: Callable[[str], bool],
) -> str:
    """Return the text of a module that begins with `head`, a comment or docstring."""
    imports = in_sections(statements, is_ours).rstrip()
    top = "\n\n".join(filter(None, [head.rstrip(), imports]))
    gap = "\n\n" if blocks[0].is_value else "\n\n\n"
    return gap.join(filter(None, [top, joined(blocks)])) + "\n"


def joined(blocks: Sequence[MovedLines]) -> str:
    """Return the text of blocks in their order; values that stood together still do."""
    text = blocks[0].text
    for before, each in pairwise(blocks):
        are_values = before.is_value and each.is_value
        gap = ("\n" if before.last == each.first else "\n\n") if are_values else "\n\n\n"
        text += gap + each.text
    return text
