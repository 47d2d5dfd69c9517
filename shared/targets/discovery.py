"""Finding the components of a target in its files."""

from collections.abc import Iterable, Iterator, Sequence

from shared.targets.codeowners import components_of_codeowners
from shared.targets.components import Component, component_of
from shared.targets.config import TargetConfig
from shared.targets.inference import infer_components
from shared.targets.languages import JAVASCRIPT, PYTHON, language_by_name, language_of
from shared.targets.left_alone import LeftAlone
from shared.targets.paths import is_protected
from shared.targets.tree import Tree


def find_components(tree: Tree, config: TargetConfig) -> tuple[Component, ...]:
    """Return the components of `groundswell.toml`, else of CODEOWNERS, else inferred ones.

    A component of `groundswell.toml` is left out where it owns no file that a patch may change,
    any other one where it owns no source file in a language of the registry. Files that are left
    alone as far as their paths tell do not count.
    """
    files = list(open_files(tree, config))
    if configured := configured_components(config):
        return _owners_of_any(files, configured)
    found = components_of_codeowners(tree) or infer_components(tree, files)
    return _owners_of_any(_source_files(tree, files), found)


def unowned_sources(
    tree: Tree, config: TargetConfig, components: Sequence[Component]
) -> tuple[str, ...]:
    """Return the Python and JavaScript files that a patch may change and no component holds."""
    return tuple(
        path
        for path in open_files(tree, config)
        if (PYTHON.has_suffix(path) or JAVASCRIPT.has_suffix(path))
        and component_of(path, components) is None
    )


def open_files(tree: Tree, config: TargetConfig) -> Iterator[str]:
    """Yield the files that are neither protected nor, as far as their paths tell, left alone."""
    left_alone = LeftAlone(tree)
    for path in tree.files():
        if not is_protected(path, config) and not left_alone.by_path(path):
            yield path


def configured_components(config: TargetConfig) -> tuple[Component, ...]:
    """Return the components that `groundswell.toml` names."""
    return tuple(
        Component(
            name=each.name,
            paths=each.paths,
            source="groundswell.toml",
            owners=each.owners,
            reason="named in groundswell.toml",
            agent_types=each.agent_types,
            approval=each.approval,
        )
        for each in config.component
    )


def _owners_of_any(paths: Iterable[str], components: Sequence[Component]) -> tuple[Component, ...]:
    """Return the components that own one of the paths, of which no more are read than needed."""
    without_file = {each.name for each in components}
    for path in paths:
        if not without_file:
            break
        without_file.discard(component_of(path, components) or "")
    return tuple(each for each in components if each.name not in without_file)


def _source_files(tree: Tree, paths: Sequence[str]) -> Iterator[str]:
    """Yield the source files among the paths, first those that their names alone tell."""
    undecided = []
    for path in paths:
        if language := language_by_name(path):
            if language.recognise is None:
                yield path
            else:
                undecided.append(path)
    for path in undecided:
        if language_of(path, tree.read(path) or b"") is not None:
            yield path
