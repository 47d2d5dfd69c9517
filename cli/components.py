"""`groundswell components`: the map of a repository."""

import pygit2
from rich.table import Table

from cli.console import print_data, shown
from cli.text import count, out
from shared.kernel.errors import Rejected
from shared.targets.component_map import ComponentMap, MappedComponent, map_components
from shared.targets.location import is_url
from shared.targets.profile import profile_target
from shared.targets.repository import RepositoryFacts, inspect_repository
from shared.targets.tree import GitTree

MAX_NAMED_FILES = 10


def show_components(path: str, *, as_json: bool) -> int:
    """Print the components of a repository as it is checked out; return exit code 0."""
    _, tree = read_checked_out(path)
    found = map_components(tree, profile_target(tree))
    if as_json:
        print_data(found)
    else:
        _print(found)
    return 0


def read_checked_out(path: str) -> tuple[RepositoryFacts, GitTree]:
    """Return what is known of a repository on this machine, and the tree that is checked out.

    Raises `Rejected` for a URL, and what `inspect_repository` raises.
    """
    if is_url(path):
        raise Rejected(
            f"{path} is a url.", hint="Clone it, and give the path of the clone.", code="url"
        )
    facts = inspect_repository(path)
    repository = pygit2.Repository(facts.location)
    return facts, GitTree(repository, repository[facts.head].peel(pygit2.Commit).tree_id)


def _print(found: ComponentMap) -> None:
    """Print a map for people: a table, what overlaps, and what no component owns."""
    table = Table(box=None, pad_edge=False)
    for name in ("component", "owner", "paths", "source"):
        table.add_column(name, overflow="fold")
    for name in ("files", "lines"):
        table.add_column(name, justify="right")
    table.add_column("agents")
    for each in found.components:
        table.add_row(
            shown(each.name),
            shown(", ".join(each.owners)) or "-",
            shown(" ".join(each.paths)),
            each.source,
            f"{each.files:,}",
            f"{each.lines:,}",
            _limits(each),
        )
    out.print(table if found.components else "There is no component.")
    for each in found.components:
        if each.overlaps:
            others = ", ".join(each.overlaps)
            out.print(
                f"overlap: {shown(each.name)} also covers files that belong to {shown(others)}"
            )
    _print_unowned(found.unowned)


def _limits(component: MappedComponent) -> str:
    """Return which agents may work on a component, and whether a person has to approve."""
    allowed = shown(", ".join(component.agent_types)) or "all"
    return f"{allowed}, with approval" if component.approval == "required" else allowed


def _print_unowned(paths: tuple[str, ...]) -> None:
    """Print how many source files are in no component, and the first of them."""
    if not paths:
        return
    out.print(f"unowned: {count(len(paths), 'source file')}, which no agent looks at")
    for path in paths[:MAX_NAMED_FILES]:
        out.print(f"  {shown(path)}")
    if len(paths) > MAX_NAMED_FILES:
        out.print(f"  and {len(paths) - MAX_NAMED_FILES} more")
