"""Versions of projects that tools take from git's tags, which are not in an exported tree."""

import re

from packaging.version import InvalidVersion, Version

from shared.targets.tree import Tree

SCM_TOOLS = re.compile(
    rb"setuptools[-_]scm|hatch-vcs|flit[-_]scm|\bpbr\b|use_scm_version|pdm[-.]backend|versioningit"
    rb"|poetry-dynamic-versioning|uv-dynamic-versioning|setuptools-git-versioning|scikit-build-core"
)
PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
# The variables in which each tool takes a version as it is told.
VARIABLES = (
    "SETUPTOOLS_SCM_PRETEND_VERSION",
    "PBR_VERSION",
    "PDM_BUILD_SCM_VERSION",
    "POETRY_DYNAMIC_VERSIONING_BYPASS",
    "UV_DYNAMIC_VERSIONING_BYPASS",
)
# What a project without a tag is told.
UNTAGGED_VERSION = "0.0.1"
TAG = re.compile(r"^(?:.*[-_/])?v?(\d+(?:\.\d+)*\S*)$")


def takes_version_from_tags(tree: Tree) -> bool:
    """Return whether a project's files name a tool that takes its version from git."""
    return any(SCM_TOOLS.search(tree.read(each) or b"") for each in PROJECT_FILES)


def version_of_tag(tag: str) -> str | None:
    """Return the version that a tag's name stands for; None if it does not look like one."""
    found = TAG.match(tag)
    try:
        return str(Version(found.group(1))) if found else None
    except InvalidVersion:
        return None


def version_variables(version: str) -> dict[str, str]:
    """Return the variables that tell every such tool a version; none for an empty one."""
    return dict.fromkeys(VARIABLES, version) if version else {}
