"""Expressions and code in parameters: which nodes they name, and whether they read their input."""

import re
from collections.abc import Iterator

from shared.detectors.n8n.json_text import Json
from shared.detectors.n8n.workflow import Node

# A parameter that begins so is a text with expressions in double braces.
EXPRESSION_MARK = "="
EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
CODE_PARAMETERS = frozenset({"jsCode", "functionCode", "pythonCode", "code"})
# $('Name'), $node["Name"], $items("Name"), and the same in Python, where $ is written _
QUOTED = r"(?P<quote>['\"`])(?P<name>(?:\\.|(?!(?P=quote)).)*)(?P=quote)"
NAMED = re.compile(rf"(?<![\w$.])\$(?:\(|node\[|items\()\s*{QUOTED}", re.DOTALL)
NAMED_IN_PYTHON = re.compile(rf"(?<![\w'\"])_(?:\(|node\[|items\()\s*{QUOTED}", re.DOTALL)
DOTTED = re.compile(r"(?<![\w$.])\$node\.(\w+)")
# Names computed at run time, so that any node may be meant.
COMPUTED = re.compile(r"(?<![\w$.])[$_](?:\(|node\[|items\()\s*[^'\"`\s)]")
# Programs that call something else `$`, as those do that read web pages.
OTHER_DOLLAR = re.compile(r"\$\s*=[^=>]|\bcheerio\b|\bjQuery\b|[(,]\s*\$\s*[,)]|\bdocument\.")
READS_INPUT = re.compile(
    r"\$json\b|\$input\b|\$binary\b|\$data\b|\$item\b|\$items\(\s*\)|\$itemIndex\b|\$position\b"
    r"|\$runIndex\b|\$prevNode\b|\$fromAI\b|\bitems\b|\bitem\b|_json\b|_input\b|_items\b|_item\b"
)


def texts_in(node: Node) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    """Yield the texts among the parameters of a node, with their paths below `parameters`."""
    parameters = node.json.get("parameters")
    for path, each in parameters.walk() if parameters else ():
        if isinstance(each.data, str):
            yield path, each


def is_code(path: tuple[str | int, ...]) -> bool:
    """Return whether a parameter with this path holds a program."""
    return bool(path) and path[-1] in CODE_PARAMETERS


def programs_in(node: Node) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the expressions and programs among the parameters of a node, with their paths."""
    for path, each in texts_in(node):
        if is_code(path):
            yield path, each.data
        elif each.data.startswith(EXPRESSION_MARK):
            for expression in EXPRESSION.findall(each.data):
                yield path, expression


def named_nodes(node: Node) -> frozenset[str]:
    """Return the names of the nodes whose data the parameters of a node read by name."""
    found: set[str] = set()
    for path, program in programs_in(node):
        if not (is_code(path) and OTHER_DOLLAR.search(program)):
            pattern = NAMED_IN_PYTHON if path[-1] == "pythonCode" else NAMED
            found |= {_unescaped(match["name"]) for match in pattern.finditer(program)}
            found |= set(DOTTED.findall(program))
    return frozenset(found)


def names_any_node(node: Node) -> bool:
    """Return whether the parameters of a node compute the name of a node whose data they read."""
    return any(COMPUTED.search(program) for _, program in programs_in(node))


def reads_input(node: Node) -> bool:
    """Return whether the parameters of a node read what its input brings."""
    return any(READS_INPUT.search(program) for _, program in programs_in(node))


def _unescaped(name: str) -> str:
    """Return a quoted name as it is meant."""
    return re.sub(r"\\(.)", r"\1", name)
