"""Rules of ast-grep as data: those that a target has in a folder, or that a package brings."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import yaml

from shared.contracts.base import Severity
from shared.kernel.errors import Rejected
from shared.targets.tree import Tree

SUFFIXES = (".yml", ".yaml")
UTILITIES = "utils/"
MAX_FILES, MAX_BYTES = 500, 500_000
MAX_REMEMBERED_FILES = 2048
RULE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}\Z")
# Behind it is the language, where one rule is written for several.
VARIANT = "@"
SEVERITIES = {
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "info": Severity.NOTE,
    "hint": Severity.NOTE,
}
EXAMPLE = (
    "A rule has an id, a language, a message and a rule, as in `id: no-print`, `language: Python`, "
    "`message: Log it.`, `rule: {pattern: print($A)}`."
)


@dataclass(frozen=True)
class AstGrepRule:
    """A rule: its id, and what is said of it. `has_fix` is true where it also rewrites."""

    id: str
    severity: Severity = Severity.NOTE
    message: str = ""
    note: str = ""
    url: str = ""
    has_fix: bool = False


@dataclass(frozen=True)
class AstGrepRules:
    """Rules by id, and the YAML files that have them, by path below their folder."""

    files: Mapping[str, str]
    rules: Mapping[str, AstGrepRule]

    @cached_property
    def digest(self) -> str:
        """A digest of the files, by which what they match is remembered."""
        parts = (f"{path}\0{text}" for path, text in sorted(self.files.items()))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


NO_RULES = AstGrepRules({}, {})


def read_rules(tree: Tree, folder: str, key: str) -> AstGrepRules:
    """Return the rules in the YAML files below a folder of a tree.

    `key` names the setting that names the folder. Raises `Rejected` where there is none, or one
    that cannot be read.
    """
    prefix = f"{folder.strip('/')}/"
    paths = [p for p in tree.files() if p.startswith(prefix) and p.endswith(SUFFIXES)]
    if not paths:
        raise Rejected(
            f"groundswell.toml: {key}: there is no rule in {folder}: no file below it ends in "
            f"{' or '.join(SUFFIXES)}.",
            hint=f"Commit one there, or take the key out. {EXAMPLE}",
            code="no_rules",
        )
    contents = {path: tree.read(path) or b"" for path in paths}
    if len(paths) > MAX_FILES or sum(map(len, contents.values())) > MAX_BYTES:
        raise Rejected(
            f"groundswell.toml: {key}: {folder} has more than {MAX_FILES} files or {MAX_BYTES:,} "
            "bytes of rules.",
            hint="Name a folder with fewer of them.",
            code="too_many_rules",
        )
    texts = {path: content.decode(errors="replace") for path, content in contents.items()}
    found: dict[str, AstGrepRule] = {}
    for path, text in texts.items():
        if not path.removeprefix(prefix).startswith(UTILITIES):
            for rule in read_documents(path, text):
                if rule.id in found:
                    raise _bad_rule(path, f"there are two rules with the id {rule.id}")
                found[rule.id] = rule
    return AstGrepRules({path.removeprefix(prefix): text for path, text in texts.items()}, found)


@lru_cache(maxsize=MAX_REMEMBERED_FILES)
def read_documents(path: str, text: str) -> tuple[AstGrepRule, ...]:
    """Return the rules of a YAML file, but for those that are turned off; from a cache.

    Raises `Rejected`, which says what is wrong with one.
    """
    found = [(each, _rule(path, each)) for each in load_yaml(path, text) if each is not None]
    # YAML reads a plain `off` as false.
    return tuple(rule for each, rule in found if each.get("severity") not in {"off", False})


def load_yaml(path: str, text: str) -> Sequence[Any]:
    """Return the documents of a YAML file, with plain values only. Raises `Rejected`."""
    try:
        return list(yaml.safe_load_all(text))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = " ".join(str(error).split()) or "it is nested too deeply"
        raise _bad_rule(path, f"it is no YAML: {problem}") from None


def _rule(path: str, document: Any) -> AstGrepRule:
    """Return the rule that a document of YAML is. Raises `Rejected` where it is none."""
    if not isinstance(document, dict):
        raise _bad_rule(path, "a rule is a mapping of keys to values")
    missing = [key for key in ("id", "language", "rule") if not document.get(key)]
    if missing:
        raise _bad_rule(path, f"a rule lacks {' and '.join(missing)}")
    identity = str(document["id"])
    if not RULE_ID.match(identity):
        raise _bad_rule(path, f"{identity!r} is no id: letters, digits, dots, dashes, up to 80")
    severity = document.get("severity", "hint")
    if severity not in {*SEVERITIES, "off", False}:
        raise _bad_rule(path, f"severity {severity!r} is none of {', '.join(SEVERITIES)} and off")
    return AstGrepRule(
        id=identity,
        severity=SEVERITIES.get(str(severity), Severity.NOTE),
        message=_line(document.get("message")),
        note=_line(document.get("note")),
        url=_line(document.get("url")),
        has_fix="fix" in document,
    )


def _line(value: object) -> str:
    """Return a text in one line; empty if there is none."""
    return " ".join(str(value or "").split())


def _bad_rule(path: str, problem: str) -> Rejected:
    """Return the error about a file of rules."""
    return Rejected(f"{path}: {problem}.", hint=EXAMPLE, code="bad_rule")
