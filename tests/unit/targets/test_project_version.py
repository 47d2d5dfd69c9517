"""Versions that tools take from tags: which tag stands for which, and who is told."""

import pytest

from shared.targets.project_version import (
    VARIABLES,
    takes_version_from_tags,
    version_of_tag,
    version_variables,
)
from tests.support.trees import FakeTree


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("v1.2.0", "1.2.0"),
        ("1.2", "1.2"),
        ("release-2.0", "2.0"),
        ("packages/core/v3.1", "3.1"),
        ("shop_1.0rc1", "1.0rc1"),
        ("nightly", None),
        ("v1.x", None),
        ("before-2-rewrite", None),
        ("", None),
    ],
)
def test_a_tag_stands_for_the_version_at_its_end(tag: str, version: str | None):
    assert version_of_tag(tag) == version


@pytest.mark.parametrize(
    ("file", "text", "takes"),
    [
        ("pyproject.toml", 'requires = ["setuptools", "setuptools_scm>=8"]', True),
        ("pyproject.toml", 'requires = ["hatch-vcs"]', True),
        ("setup.py", "setup(use_scm_version=True)", True),
        ("setup.cfg", "[options]\nsetup_requires = pbr\n", True),
        ("pyproject.toml", 'version = "1.0"', False),
        ("README.md", "setuptools_scm", False),
    ],
)
def test_a_project_takes_its_version_from_tags_where_its_files_name_such_a_tool(
    file: str, text: str, takes: bool
):
    assert takes_version_from_tags(FakeTree({file: text})) is takes


def test_every_tool_is_told_a_version_and_none_without_one():
    assert version_variables("1.2.0") == dict.fromkeys(VARIABLES, "1.2.0")
    assert "SETUPTOOLS_SCM_PRETEND_VERSION" in VARIABLES
    assert version_variables("") == {}
