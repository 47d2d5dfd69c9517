"""What is given up of requirements that cannot be installed, by what uv says about them."""

import pytest

from shared.environments.repairs import Wanted, name_in, repaired

UNSATISFIABLE = (
    "error: No solution found when resolving dependencies\n"
    "  cause: Because {}, we can conclude that your requirements are unsatisfiable.\n"
)


@pytest.mark.parametrize(
    "output",
    [
        UNSATISFIABLE.format("there is no version of thing==3.0 and you require thing==3.0"),
        "error: Failed to build `thing==3.0`\n  cause: The build backend returned an error\n",
        "error: Failed to download and build `thing==3.0`\n  cause: Git operation failed\n",
        UNSATISFIABLE.format(
            "thing==3.0 depends on Python<3.8 and you require thing==3.0, the versions conflict"
        ),
    ],
)
def test_a_pin_that_cannot_be_had_is_given_up_first_and_then_the_requirement(output: str):
    wanted = Wanted(("attrs", "thing[x]==3.0"), ("thing<4", "attrs<99"))
    without_pin = repaired(wanted, output)
    assert without_pin is not None
    assert without_pin.requirements == ("attrs", "thing[x]")
    assert without_pin.constraints == ("attrs<99",)
    assert "thing could not be installed as thing[x]==3.0" in without_pin.notes[0]
    without = repaired(without_pin, output)
    assert without is not None
    assert without.requirements == ("attrs",)
    assert without.notes[1].startswith("thing is left out, as it cannot be had")


def test_what_no_registry_has_is_left_out_with_the_reason():
    output = UNSATISFIABLE.format("ours was not found in the package registry and you require ours")
    found = repaired(Wanted(("ours", "six")), output)
    assert found is not None
    assert found.requirements == ("six",)
    assert found.notes == (
        (
            "ours is left out, as it cannot be had: "
            "Because ours was not found in the package registry and you require ours"
        ),
    )


def test_a_project_of_the_tree_that_cannot_be_built_is_left_out():
    output = "error: Failed to build `core @ file:///tree/libs/core`\n"
    found = repaired(Wanted(("six",), (), ("libs/core[fast]",)), output)
    assert found is not None
    assert found.projects == ()


def test_a_failure_that_blames_no_requirement_is_not_repaired():
    assert repaired(Wanted(("six",)), "error: No space left on device\n") is None
    assert repaired(Wanted(("six",)), "error: Failed to build `other==1`\n") is None


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("Thing", "thing"),
        ("my_thing.x==1", "my-thing-x"),
        ("thing[x]>=1 ; python_version > '3'", "thing"),
        ("thing @ git+https://example.org/thing", "thing"),
        ("thing@https://example.org/thing.whl", "thing"),
        ("git+https://example.org/thing", ""),
        ("https://example.org/thing.whl", ""),
        ("libs/thing", ""),
        ("./thing", ""),
    ],
)
def test_a_url_or_a_path_has_no_name(requirement, name):
    assert name_in(requirement) == name


def test_git_is_not_to_blame_for_what_comes_from_a_repository():
    wanted = Wanted(("git+https://example.org/thing",))
    assert (
        repaired(wanted, UNSATISFIABLE.format("git was not found in the package registry")) is None
    )
