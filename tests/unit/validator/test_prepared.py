"""What a target's environment is told about the commit that it is made for."""

import pytest

from services.validator.prepared import prepare_head
from tests.support.landing import a_yard
from tests.support.memory import a_store
from tests.support.repositories import commit, git
from tests.support.validator_deps import a_validator

WITH_TOOL = '[build-system]\nrequires = ["setuptools-scm"]\n[project]\nname = "shop"\n'
WITHOUT = '[project]\nname = "shop"\nversion = "1.0"\n'


class NoEnvironments:
    async def prepare(self, _target, _profile, _tree):
        return None


@pytest.mark.parametrize(
    ("project", "first", "second", "version"),
    [
        (WITH_TOOL, "v1.2.0", None, "1.2.0"),
        (WITH_TOOL, "v1.2.0", "nightly", "1.2.0"),
        (WITH_TOOL, "v1.2.0", "v1.3.0", "1.3.0"),
        (WITH_TOOL, None, None, "0.0.1"),
        (WITHOUT, "v1.2.0", None, ""),
    ],
    ids=["below", "no version", "nearest", "untagged", "no tool"],
)
async def test_a_project_that_takes_its_version_from_tags_has_that_of_the_nearest(
    tmp_path, project, first, second, version
):
    yard = a_yard(tmp_path, pyproject_toml=project, m_py="x = 1\n")
    for tag in (first, second):
        if tag:
            git(yard.place, "tag", tag)
        commit(yard.place, {"m.py": f"x = {tag!r}\n"})
    deps = a_validator(a_store(), tmp_path / "home", environments=NoEnvironments())
    prepared = await prepare_head(deps, yard.target, yard.head())
    assert prepared.profile.environment.version == version
