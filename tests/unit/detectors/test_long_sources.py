"""A source that is too long to be analysed stops only itself: it is left alone, and named."""

import pytest

from services.validator.approval.introspection import new_introspection
from services.validator.mutation.domain.placement import place_mutants
from services.validator.mutation.domain.plan import ChangedFile
from shared.behaviour import RepositoryNames, check_behaviour
from shared.detectors.ports import Source
from shared.detectors.ruff.detector import RuffBase
from shared.detectors.sources import owned_texts
from shared.kernel.syntax import MAX_SOURCE_LENGTH
from shared.targets.profile import profile_target
from tests.support.trees import FakeTree

UNUSED = "import os\n\nx = 1\n"
LONG = UNUSED + "x = 1\n" * (MAX_SOURCE_LENGTH // 6)
NOTE = "Left alone as longer than 1,000,000 characters: shop/table.py."


@pytest.fixture
def source() -> Source:
    files = {"shop/__init__.py": "", "shop/prices.py": UNUSED, "shop/table.py": LONG}
    tree = FakeTree(files)
    return Source(tree, profile_target(tree))


def test_a_long_source_is_left_out_and_named(source):
    owned = owned_texts(source)
    assert set(owned.texts) == {"shop/__init__.py", "shop/prices.py"}
    assert owned.notes == (NOTE,)


async def test_the_other_files_are_measured(source, tmp_path):
    measured = await RuffBase(tmp_path, {"F401": "warning"}).measure(source)
    assert [each.path for each in measured.findings] == ["shop/prices.py"]
    assert measured.notes == (NOTE,)


def test_what_a_long_source_takes_from_others_still_counts():
    """Each of its words may be a name that it takes, as nobody parses it."""
    tree = FakeTree(
        {"shop/prices.py": "from m import total\n", "long.py": LONG + "shop.prices.total"}
    )
    assert RepositoryNames(tree).taken("shop/prices.py", "total").startswith("long.py ")


def test_a_change_of_a_long_source_is_neither_shown_nor_mutated():
    after = LONG.replace("import os\n", "")
    found = check_behaviour("m.py", LONG, after, ["reflection.unused-import"])
    assert not found.keeps_behaviour
    plan = place_mutants({"c": [ChangedFile("m.py", (LONG.encode(), after.encode()))]})
    assert not plan.mutants
    assert plan.unmutated["c"][0].startswith("m.py: ")
    assert new_introspection(LONG, f"{LONG}sys.modules['x'] = 1\n")
