"""What is said about source files that are in no component, so that nothing looks at them."""

from collections.abc import Sequence

from shared.contracts.documents.base import Failure

MAX_NAMED_FILES = 3


def failure(sources: Sequence[str]) -> Failure:
    """Return the failure of a wave for which only these files could have been read."""
    return Failure(
        code="no_component",
        message=f"No source code was looked at: {_in_no_component(sources)}.",
        hint=f"Name one in groundswell.toml: {_component_around(sources[0])}.",
    )


def notes(sources: Sequence[str]) -> tuple[str, ...]:
    """Return a note on the files, with the keys that would change it; none without files."""
    if not sources:
        return ()
    key = _component_around(sources[0])
    return (f"Not looked at: {_in_no_component(sources)}. To change that: {key}.",)


def _in_no_component(sources: Sequence[str]) -> str:
    """Return how many files are in no component, and the first of them."""
    number, first = len(sources), ", ".join(sources[:MAX_NAMED_FILES])
    more = ", ..." if number > MAX_NAMED_FILES else ""
    files = "1 source file is" if number == 1 else f"{number} source files are"
    return f"{files} in no component ({first}{more})"


def _component_around(path: str) -> str:
    """Return the keys of a component that holds the folder of a file, else the root's modules."""
    folder = path.rpartition("/")[0]
    pattern = f"/{folder}/" if folder else "/*.py"
    return f'[[component]] name = "{folder or "root"}" paths = ["{pattern}"]'
