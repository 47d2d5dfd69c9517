"""Collects facts about node types from the npm packages of n8n, into node_types.json.

Run by a maintainer when a new n8n is out, with the folders to which the packages were unpacked:

    python -m shared.detectors.n8n.facts.collect n8n-nodes-base/package langchain/package

The packages are under n8n's Sustainable Use License. Nothing of their code or text is kept: only
which types there are, with their versions, default names, number of outputs, and the names of
their parameters, of those that are required, and of the choices that these offer.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("node_types.json")
DESCRIPTIONS = "dist/types/nodes.json"
# The parameters whose choices decide what a node does.
CHOICES = frozenset({"resource", "operation", "mode", "authentication"})


def collect(packages: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Return the facts by full type name, such as `n8n-nodes-base.set`."""
    found: dict[str, list[dict[str, Any]]] = {}
    for package in packages:
        name = json.loads((package / "package.json").read_text())["name"]
        for each in json.loads((package / DESCRIPTIONS).read_text()):
            found.setdefault(f"{name}.{each['name']}", []).append(each)
    return {name: _facts(versions) for name, versions in sorted(found.items())}


def _facts(described: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what is kept of the descriptions of one type, one for each group of versions."""
    names = (each["defaults"].get("name", each["displayName"]) for each in described)
    facts = {
        "names": sorted(set(names)),
        "versions": sorted({v for each in described for v in _list(each["version"])}),
        "outputs": _outputs(described),
        "trigger": any("trigger" in each.get("group", ()) for each in described),
        "webhook": any(bool(each.get("webhooks")) for each in described),
        "hidden": all(bool(each.get("hidden")) for each in described),
        "parameters": sorted({p["name"] for each in described for p in each["properties"]}),
        "required": _required(described),
        "choices": _choices(described),
    }
    return {key: value for key, value in facts.items() if value or key == "outputs"}


def _outputs(described: list[dict[str, Any]]) -> int | None:
    """Return the largest number of main outputs of any version; None if parameters decide."""
    outputs = [each["outputs"] for each in described]
    if not all(isinstance(each, list) for each in outputs):
        return None
    return max(sum(_kind(output) == "main" for output in each) for each in outputs)


def _kind(output: Any) -> str:
    """Return the type of connection of an output, which is a name or an object."""
    return str(output.get("type")) if isinstance(output, dict) else str(output)


def _required(described: list[dict[str, Any]]) -> list[str]:
    """Return the parameters without which no version of a type runs, whatever else is set."""
    found = [{p["name"] for p in each["properties"] if _is_required(p)} for each in described]
    return sorted(set.intersection(*found))


def _is_required(parameter: dict[str, Any]) -> bool:
    """Return whether a parameter always has to be given a value, as it has none by itself."""
    is_plain = parameter["type"] in {"string", "number", "options"}
    has_value = parameter.get("default") not in ("", None) if is_plain else True
    return bool(parameter.get("required")) and not parameter.get("displayOptions") and not has_value


def _choices(described: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the values that the parameters in `CHOICES` may have, where all are listed."""
    found: dict[str, set[str]] = {}
    open_ended = set()
    for each in _parameters(described):
        if each["name"] not in CHOICES:
            continue
        if each["type"] != "options" or "loadOptionsMethod" in each.get("typeOptions", {}):
            open_ended.add(each["name"])
        values = (str(option.get("value")) for option in each.get("options", ()))
        found.setdefault(each["name"], set()).update(values)
    return {name: sorted(found[name]) for name in sorted(found) if name not in open_ended}


def _parameters(described: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the descriptions of all parameters at the top level."""
    for each in described:
        yield from each["properties"]


def _list(value: Any) -> list[Any]:
    """Return a list as it is, and any other value as a list of it."""
    return value if isinstance(value, list) else [value]


def main(arguments: list[str]) -> None:
    """Write the table, one type a line."""
    facts = collect(map(Path, arguments))
    dumped = (json.dumps(each, separators=(",", ":")) for each in facts.values())
    lines = (f'"{name}":{each}' for name, each in zip(facts, dumped, strict=True))
    TABLE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
