"""What rules need to know about a target, read from its files."""

from services.agents.types.security.rule import TargetFacts
from services.agents.types.security.section import section
from services.agents.types.security.sql_wrappers import SqlWrappers
from shared.detectors.ports import Source
from shared.targets.declared import poetry, project, setuptools
from shared.targets.declared.declaration import is_requirement, name_of, read_toml
from shared.targets.declared.requirement_file import read_requirement_files
from shared.targets.tree import Tree

RUNTIME_REQUIREMENTS = ("requirements.txt", "requirements/base.txt", "requirements/main.txt")


def read_facts(source: Source) -> TargetFacts:
    """Return the facts of a target; those of a file are added by its path."""
    return TargetFacts(
        oldest_python=source.profile.oldest_python,
        dependencies=_dependencies(source.tree),
        wrappers=SqlWrappers(source),
        request_timeout=section(source).request_timeout_seconds,
    )


def _dependencies(tree: Tree) -> frozenset[str]:
    """Return the canonical names of the distributions that the target needs when it runs."""
    pyproject, _ = read_toml(tree, "pyproject.toml")
    declared = [project.read(pyproject), poetry.read(pyproject), setuptools.read(tree)]
    files = tuple(each for each in RUNTIME_REQUIREMENTS if tree.read(each) is not None)
    lines = [each for one in declared for each in one.installs]
    lines += read_requirement_files(tree, files).requirements
    return frozenset(name_of(each) for each in lines if is_requirement(each))
