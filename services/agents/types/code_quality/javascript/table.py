"""The YAML files with the rules for JavaScript and TypeScript.

The files have no language: each rule is given to ast-grep once for each grammar.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from shared.detectors.astgrep import AstGrepRule, AstGrepRules
from shared.detectors.astgrep.rules import SEVERITIES, VARIANT

TOOL = "javascript"
FOLDER = "rules"
GRAMMARS = ("JavaScript", "TypeScript", "Tsx")


@dataclass(frozen=True)
class JavaScriptRule:
    """A rule with its file's content. `phrase` and `may_change` are empty where it has no fix."""

    rule: AstGrepRule
    document: Mapping[str, Any]
    phrase: str = ""
    may_change: str = ""


@cache
def read_table() -> Mapping[str, JavaScriptRule]:
    """Return the rules by code, in the order of their codes."""
    folder = files(__package__) / FOLDER
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".yml"))
    found = [_read((folder / name).read_text(encoding="utf-8")) for name in names]
    return {each.rule.id: each for each in found}


def _read(text: str) -> JavaScriptRule:
    """Return the rule of one file."""
    document = yaml.safe_load(text)
    words = document.pop("metadata", {})
    rule = AstGrepRule(
        id=document["id"],
        severity=SEVERITIES.get(document["severity"], SEVERITIES["hint"]),
        note=document["note"],
        url=document["url"],
        has_fix=bool(words),
    )
    # ast-grep calls the mildest severities otherwise.
    document = {**document, "severity": {"note": "info"}.get(document["severity"], "warning")}
    return JavaScriptRule(rule, document, words.get("phrase", ""), words.get("may-change", ""))


@cache
def select_rules(codes: frozenset[str]) -> AstGrepRules:
    """Return these rules as ast-grep takes them."""
    rules = {code: each for code, each in read_table().items() if code in codes}
    texts = {f"{code}.yml": _for_all_grammars(each) for code, each in rules.items()}
    return AstGrepRules(texts, {code: each.rule for code, each in rules.items()})


def _for_all_grammars(rule: JavaScriptRule) -> str:
    """Return a rule in YAML, once for each grammar."""
    documents = [
        {**rule.document, "id": f"{rule.rule.id}{VARIANT}{grammar}", "language": grammar}
        for grammar in GRAMMARS
    ]
    return yaml.safe_dump_all(documents, sort_keys=False)


CODES = tuple(read_table())
