"""XML is parsed by defusedxml where the target depends on it already."""

from services.agents.types.security.calls import set_function
from services.agents.types.security.rule import (
    ADVICE,
    DISMISSED,
    Judgement,
    Spot,
    WeaknessRule,
    example,
)
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.contracts.base import Severity

DISTRIBUTION = "defusedxml"
# The functions that defusedxml has under the same name and with the same arguments.
MODULES = {
    "xml.etree.ElementTree": (
        "defusedxml.ElementTree",
        ("parse", "fromstring", "XML", "iterparse"),
    ),
    "xml.dom.minidom": ("defusedxml.minidom", ("parse", "parseString")),
}
ORIGINS = {
    f"{module}.{name}": (safe, name) for module, (safe, names) in MODULES.items() for name in names
}


def judge(spot: Spot) -> Judgement:
    """Fix calls that read XML, in targets that depend on defusedxml; nothing is said in others."""
    if DISTRIBUTION not in spot.facts.dependencies:
        return DISMISSED
    call = spot.call_of(ORIGINS)
    if call is None:
        return ADVICE
    module, name = ORIGINS[spot.code.origin(call.func)]
    if any(each.arg in {"parser", "encoding"} for each in call.keywords) or len(call.args) != 1:
        return ADVICE
    known = spot.code.module_name(module)
    return spot.rewrite(call, set_function(f"{known}.{name}")) if known else ADVICE


def _rule(code: str, module: str, before: str, after: str) -> WeaknessRule:
    """Return the rule for one module of the standard library."""
    return WeaknessRule(
        FixerDeclaration(
            rule=f"ruff:{code}",
            phrase=f"parse XML by defusedxml, not {module}",
            severity=Severity.WARNING,
            commit_type="fix",
            behaviour=FixBehaviour(
                "what becomes of documents that define entities: they are refused"
            ),
        ),
        judge,
        "Entities can make a small document take all memory, or read other files. The target "
        "depends on defusedxml, which refuses them.",
        examples=(example(before, after),),
        left_alone=(f"import {module}\n\nx = {module}.unknown(y)\n",),
        imports=((MODULES[module][0], ""),),
    )


ELEMENT_TREE = _rule(
    "S314",
    "xml.etree.ElementTree",
    """
    import xml.etree.ElementTree as ET

    import requests

    root = ET.fromstring(text)
    a = ET.Element("a")
    """,
    """
    import xml.etree.ElementTree as ET

    import defusedxml.ElementTree
    import requests

    root = defusedxml.ElementTree.fromstring(text)
    a = ET.Element("a")
    """,
)
MINIDOM = _rule(
    "S318",
    "xml.dom.minidom",
    """
    from xml.dom.minidom import parseString

    d = parseString(text)
    """,
    """
    import defusedxml.minidom

    d = defusedxml.minidom.parseString(text)
    """,
)
RULES = (ELEMENT_TREE, MINIDOM)
