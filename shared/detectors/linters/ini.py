"""INI files with sections of several tools, and lists in them."""

import configparser
import re

SEPARATOR = re.compile(r"[,\s]+")


def read_sections(content: bytes, beginning: str) -> dict[str, dict[str, str]]:
    """Return the sections whose name begins so, in small letters, as texts by key.

    Raises ValueError where the file cannot be read and may have such a section.
    """
    text = content.decode(errors="replace")
    parser = configparser.RawConfigParser(inline_comment_prefixes=("#", ";"))
    try:
        parser.read_string(text)
    except configparser.Error as error:
        if beginning and f"[{beginning}" not in text.lower():
            return {}
        raise ValueError(" ".join(str(error).split())) from None
    return {
        name: dict(parser.items(name))
        for name in parser.sections()
        if name.lower().startswith(beginning)
    }


def entries(value: object) -> tuple[str, ...]:
    """Return the entries of a list, or of a text with commas, spaces or lines between them."""
    texts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    return tuple(
        entry for text in texts if isinstance(text, str) for entry in SEPARATOR.split(text) if entry
    )
