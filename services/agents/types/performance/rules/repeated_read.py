"""Advice: read a file once, before the loop."""

import ast
from collections.abc import Iterator

from services.agents.types.performance.rewrite import AdviceRule
from shared.behaviour.code import bound_names, mentions
from shared.behaviour.effects import is_read
from shared.behaviour.tree import SyntaxTree
from shared.contracts.base import Severity
from shared.detectors.rewrites import Match

READING_METHODS = frozenset({"read_text", "read_bytes"})
REPEATING = (ast.For, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
WRITING = frozenset({"write", "write_text", "write_bytes", "writelines", "dump", "unlink"})


class RepeatedRead(AdviceRule):
    """A file whose path no round of the loop changes is opened in each of them.

    Whether it changes in between cannot be told, so this is advice. Loops that wait for something,
    as `while` often does, are left alone, and those that write.
    """

    code = "PRF601"
    severity = Severity.WARNING

    def find(self, tree: SyntaxTree) -> Iterator[Match]:
        """Yield the calls that read the same file in each round of a loop."""
        for each in tree.all(ast.Call):
            path = _path_read(each, tree)
            loops = tree.loops(each)
            if (
                path is None
                or not is_read(path)
                or not loops
                or not isinstance(loops[0], REPEATING)
            ):
                continue
            names = {node.id for node in ast.walk(path) if isinstance(node, ast.Name)}
            if names & {*bound_names(loops[0])} or any(mentions(loops[0], WRITING)):
                continue
            text = ast.unparse(path)[:60]
            yield Match(each, f"`{text}` is read anew in each round of the loop.", "no")


def _path_read(call: ast.Call, tree: SyntaxTree) -> ast.expr | None:
    """Return the path of the file that a call opens to read it whole; None if it does not."""
    if isinstance(call.func, ast.Attribute) and call.func.attr in READING_METHODS:
        return call.func.value
    if tree.code.origin(call.func) != "builtins.open" or not call.args:
        return None
    modes = [*call.args[1:2], *(each.value for each in call.keywords if each.arg == "mode")]
    plain = [each.value for each in modes if isinstance(each, ast.Constant)]
    return call.args[0] if len(plain) == len(modes) and all(map(_is_reading, plain)) else None


def _is_reading(mode: object) -> bool:
    """Return whether a mode of `open` only reads."""
    return isinstance(mode, str) and set(mode) <= set("rbt")
