"""Files that people do not edit by hand, so that nothing is proposed for them."""

import re

from shared.targets.git_attributes import GitAttributes
from shared.targets.languages import language_by_name
from shared.targets.paths import matches
from shared.targets.tree import Tree

GENERATED, VENDORED, TEMPLATE = "generated", "vendored", "a template"
VENDORED_FOLDERS = (
    "_vendor/",
    "_vendored/",
    "vendor/",
    "vendored/",
    "third_party/",
    "third-party/",
    "thirdparty/",
    "3rdparty/",
    "extern/",
    "externals/",
    "site-packages/",
    "node_modules/",
)
# Cookiecutter renders the names of files and folders, and its hooks.
TEMPLATE_NAME = re.compile(r"\{\{|\{%")
TEMPLATE_MARK, HOOKS = "cookiecutter.json", "hooks/"
# The comments and docstrings before the first statement, of Python or JavaScript.
HEAD = re.compile(
    r"(?:\s+|#[^\n]*|//[^\n]*|/\*.*?\*/|[rRuU]?\"\"\".*?\"\"\"|[rRuU]?'''.*?''')*", re.DOTALL
)
MAX_HEAD_CHARACTERS = 4000
GENERATED_MARK = re.compile(
    r"@generated\b|\bdo not (?:edit|modify|change)\b|\bauto-?generated\b"
    r"|\b(?:automatically|code) generated\b|\bgenerated (?:by|from|with|automatically)\b",
    re.IGNORECASE,
)
RENDERED_VALUE = re.compile(r"\{\{-?\s*(?:cookiecutter|copier)\b|^\s*#\s*\{%", re.MULTILINE)
RENDERED_LINE = re.compile(r"^\s*\{%", re.MULTILINE)


class LeftAlone:
    """Tells which files of a tree are generated, vendored or a template, in these words.

    `.gitattributes` has the last word, by `linguist-generated` and `linguist-vendored`.
    """

    def __init__(self, tree: Tree) -> None:
        self._attributes = GitAttributes(tree)
        marks = [path for path in tree.files() if path.rpartition("/")[2] == TEMPLATE_MARK]
        self._hooks = tuple(path.removesuffix(TEMPLATE_MARK) + HOOKS for path in marks)

    def by_path(self, path: str) -> str:
        """Return why a file is left alone as far as its path tells; empty if it is not."""
        if self._attributes.is_set(path, "linguist-generated"):
            return GENERATED
        vendored = self._attributes.is_set(path, "linguist-vendored")
        if vendored or (vendored is None and matches(path, VENDORED_FOLDERS)):
            return VENDORED
        return TEMPLATE if TEMPLATE_NAME.search(path) or path.startswith(self._hooks) else ""

    def reason(self, path: str, text: str) -> str:
        """Return why a file with this text is left alone; empty if it is not."""
        if reason := self.by_path(path):
            return reason
        said = self._attributes.is_set(path, "linguist-generated")
        if said is None and _is_marked_as_generated(text):
            return GENERATED
        return TEMPLATE if _is_template(path, text) else ""


def _is_marked_as_generated(text: str) -> bool:
    """Return whether the comments and docstrings before the first statement say so."""
    head = HEAD.match(text[:MAX_HEAD_CHARACTERS])
    return head is not None and GENERATED_MARK.search(head.group()) is not None


def _is_template(path: str, text: str) -> bool:
    """Return whether the text is rendered before it is what its name says."""
    if RENDERED_VALUE.search(text):
        return True
    language = language_by_name(path)
    # Valid source code may well hold the template of something else.
    return bool(
        RENDERED_LINE.search(text) and language is not None and not language.is_valid(text.encode())
    )
