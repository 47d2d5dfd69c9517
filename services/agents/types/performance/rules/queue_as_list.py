"""Use deques for queues that are lists."""

import ast
from collections.abc import Iterator

import libcst as cst

from services.agents.types.performance.rewrite import TOOL, Rewrite
from services.agents.types.performance.rewritten import RewrittenFile
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.behaviour.code import Function, uses
from shared.behaviour.conditions.queues import DEQUE, front_call, reason_against_queue
from shared.behaviour.tree import SyntaxTree, tree_around
from shared.contracts.base import Severity
from shared.detectors.findings import rule_id
from shared.detectors.rewrites import Match


class QueueAsList(Rewrite):
    """A list whose first item is taken or put in a loop becomes a deque, if it is only a queue.

    The match is the first such call of a function for each of its lists.
    """

    declaration = FixerDeclaration(
        rule=rule_id(TOOL, "PRF301"),
        phrase="use deques for queues",
        severity=Severity.WARNING,
        commit_type="perf",
        saves=0.3,
        behaviour=FixBehaviour(
            "what others see of the list, and the words of errors", ("queues.own-queue",)
        ),
    )
    reason = (
        "`pop(0)` and `insert(0, ...)` move all items of a list, so that a loop takes quadratic "
        "time (20,000 items: 32 ms against 2 ms with a deque)."
    )

    def find(self, tree: SyntaxTree) -> Iterator[Match]:
        """Yield the first call at the front of each list; with a fix where it is only a queue."""
        seen = set()
        for each in tree.all(ast.Call):
            found, function = front_call(each), tree.function(each)
            if found is None or function is None or not tree.loops(each):
                continue
            name = found[0]
            if (name, function) in seen:
                continue
            seen.add((name, function))
            if not _is_free(tree) or reason_against_queue(name, function, tree):
                continue
            yield Match(each, f"`{name}.{found[1]}` moves all items of the list.", "safe")

    def rewrite(self, file: RewrittenFile, match: Match) -> bool:
        """Make a deque of the list wherever the function assigns it, and call its methods."""
        tree = tree_around(file.code)
        found, function = front_call(match.node), tree.function(match.node)
        if found is None or function is None:
            return False
        parts = _parts(found[0], function, tree)
        nodes = [file.expression(each) for each in parts]
        if any(each is None for each in nodes):
            return False
        for part, node in zip(parts, nodes, strict=True):
            assert node is not None
            if isinstance(part, ast.Call) and front_call(part):
                file.replace(node, _at_front)
            else:
                file.replace(node, _made)
        file.add_import("collections", DEQUE)
        return True


def _is_free(tree: SyntaxTree) -> bool:
    """Return whether `deque` means that of the standard library in a file, or nothing yet."""
    code = tree.code
    return not code.bindings[DEQUE] or code.imports.get(DEQUE) == f"collections.{DEQUE}"


def _parts(name: str, function: Function, tree: SyntaxTree) -> list[ast.expr]:
    """Return what a variable is assigned, and the calls at the front of it."""
    found = []
    for each in uses(function, name):
        parent = tree.parent(each)
        if isinstance(parent, ast.Assign):
            found.append(parent.value)
        elif isinstance(parent, ast.Attribute):
            call = tree.parent(parent)
            if isinstance(call, ast.Call) and front_call(call):
                found.append(call)
    return found


def _at_front(node: cst.BaseExpression) -> cst.BaseExpression:
    """Return `x.pop(0)` as `x.popleft()`, and `x.insert(0, y)` as `x.appendleft(y)`."""
    assert isinstance(node, cst.Call)
    assert isinstance(node.func, cst.Attribute)
    method = "popleft" if node.func.attr.value == "pop" else "appendleft"
    function = node.func.with_changes(attr=cst.Name(method))
    return node.with_changes(func=function, args=node.args[1:])


def _made(node: cst.BaseExpression) -> cst.BaseExpression:
    """Return the call that makes a deque with the items of a list."""
    call = cst.Call(cst.Name(DEQUE))
    if isinstance(node, cst.List) and not node.elements:
        return call
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value == "list":
        return node.with_changes(func=cst.Name(DEQUE))
    return call.with_changes(args=[cst.Arg(node)])
