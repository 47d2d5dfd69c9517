"""Which names the rest of a repository takes from a module, and what importing one does."""

import pytest

from shared.behaviour import check_behaviour
from shared.behaviour.repository_names import RepositoryNames
from tests.support.trees import FakeTree

MODULE = "src/shop/prices.py"


def names(**files: str) -> RepositoryNames:
    """A repository with `prices.py`, and files whose dots are written as double underscores."""
    named = {path.replace("__", "/").replace("_py", ".py"): text for path, text in files.items()}
    return RepositoryNames(FakeTree({MODULE: "from m import total\n", **named}))


@pytest.mark.parametrize(
    "text",
    [
        "from shop.prices import total\n",
        "from shop import prices\n\nprices.total()\n",
        "import shop.prices as p\n\np.total()\n",
        "import shop.prices\n\nshop.prices.total\n",
        "from shop.prices import *\n",
        'mock.patch("shop.prices.total")\n',
        'from shop import prices\n\nmonkeypatch.setattr(prices, "total", f)\n',
        "def (\n# shop.prices.total\n",
    ],
)
def test_a_name_is_taken_by_whoever_mentions_it_as_one_of_the_module(text):
    assert names(tests__test_it_py=text).taken(MODULE, "total")


@pytest.mark.parametrize(
    "text", ["from other import total\n", "total = 1\n", "import shop.prices\n", "other.total\n"]
)
def test_other_names_of_the_same_spelling_are_not_taken_from_it(text):
    assert not names(tests__test_it_py=text).taken(MODULE, "total")


def test_relative_imports_are_followed():
    found = RepositoryNames(
        FakeTree({MODULE: "", "src/shop/all.py": "from .prices import total\n"})
    )
    assert "src/shop/all.py imports `total`" in found.taken(MODULE, "total")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", '[project.scripts]\nshop = "shop.prices:total"\n'),
        ("docs/api.rst", ".. autofunction:: shop.prices.total\n"),
    ],
)
def test_entry_points_and_documentation_take_names(path, text):
    found = RepositoryNames(FakeTree({MODULE: "", path: text}))
    assert path in found.taken(MODULE, "total")


def test_modules_that_are_there_to_be_imported_from_keep_their_names():
    typed = {"paint/py.typed": "", "paint/a.py": "from paint.b import dark as dark\n"}
    found = RepositoryNames(FakeTree({**typed, "paint/api.py": "", "paint/__init__.py": ""}))
    assert found.published("paint/a.py", "dark")
    assert found.published("paint/api.py", "anything")
    assert found.published("paint/__init__.py", "anything")
    assert not found.published("paint/a.py", "other")


REGISTERING = {
    "export/__init__.py": "",
    "export/app.py": "from export.formats import plain\n",
    "export/formats/__init__.py": "",
    "export/formats/plain.py": '@register("plain")\ndef plain(rows): ...\n',
    "export/quiet.py": "import os\n\nLIMIT = 3\n\n\ndef f(): ...\n",
    "export/loud.py": "from export.formats import plain\n",
    "export/outside.py": "import requests\n",
    "export/inner.py": "def f(): ...\n",
    "export/reaches.py": "import export\n\nexport.inner.f()\n",
    "export/decorated.py": "from m import register\n\n@register\ndef f(): ...\n",
    "export/annotated.py": "def f(a: register()): ...\n",
    "export/failing.py": 'import os\n\nKEY = os.environ["KEY"]\n',
    "export/typed.py": "x: dict[str, Optional[int]] = {}\n",
}


@pytest.mark.parametrize(
    ("module", "effect"),
    [
        ("export.quiet", ""),
        ("export.formats.plain", "calls something"),
        ("export.loud", "calls something"),
        ("export.decorated", "calls something"),
        ("export.annotated", "calls something"),
        ("export.failing", "may be missing"),
        ("export.typed", ""),
        ("export.outside", "`requests` is not in the repository"),
        ("requests", "may do anything"),
        ("os", ""),
    ],
)
def test_importing_a_module_may_do_something(module, effect):
    found = RepositoryNames(FakeTree(REGISTERING)).import_effect(module, 0, "export/app.py")
    assert (effect in found) if effect else not found


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("from export.formats import plain\nx = 1\n", "x = 1\n", False),
        ("from export.quiet import f\nx = 1\n", "x = 1\n", True),
        ("from export.quiet import LIMIT, f\nf()\n", "from export.quiet import f\nf()\n", True),
        ("import requests\nx = 1\n", "x = 1\n", False),
        ("from requests import get, post\nget()\n", "from requests import get\nget()\n", False),
        ("from collections.abc import Mapping\nx = 1\n", "x = 1\n", True),
        ("import logging.handlers\nx = 1\n", "x = 1\n", False),
        ("import os\nx = 1\neval(x)\n", "x = 1\neval(x)\n", False),
        ("import export.inner\nx = 1\n", "x = 1\n", False),
        ("from export.quiet import f\ndef test(f): ...\n", "def test(f): ...\n", False),
        ("from requests import a\nx = 1\nfrom requests import b\n", "x = 1\n", False),
        (
            "from requests import a\nx = 1\nfrom requests import b\nb\n",
            "x = 1\nfrom requests import b\nb\n",
            False,
        ),
    ],
)
def test_an_import_goes_if_neither_its_name_nor_its_effect_is_missed(before, after, shown):
    taken = RepositoryNames(FakeTree(REGISTERING))
    found = check_behaviour("export/x.py", before, after, ["reflection.unused-import"], taken=taken)
    assert found.keeps_behaviour is shown, found


UNUSED, ALIAS = ["reflection.unused-import"], ["reflection.needless-alias"]
DARK = "from paint.b import dark\n"
SAME = "from paint.b import dark as dark\n"
PUBLISHING = {
    "paint/py.typed": "",
    "paint/__init__.py": DARK,
    "paint/api.py": SAME,
    "paint/a.py": SAME,
    "paint/b.py": "dark = 1\n",
    "paint/private.py": DARK,
    "tools/untyped.py": SAME,
}


@pytest.mark.parametrize(
    ("path", "after", "unless", "why"),
    [
        ("paint/api.py", "", UNUSED, "api.py is there to be imported from"),
        ("paint/__init__.py", "", UNUSED, "what a package imports is there to be imported"),
        ("paint/a.py", "", UNUSED, "the package is typed, and `dark as dark` exports it"),
        ("paint/a.py", DARK, ALIAS, "the package is typed, and `dark as dark` exports it"),
        ("paint/api.py", DARK, ALIAS, "api.py is there to be imported from"),
        ("paint/private.py", "", UNUSED, ""),
        ("tools/untyped.py", "", UNUSED, ""),
        ("tools/untyped.py", DARK, ALIAS, ""),
    ],
)
def test_published_names_are_neither_unused_nor_needlessly_renamed(path, after, unless, why):
    taken = RepositoryNames(FakeTree(PUBLISHING))
    before, after = f"{PUBLISHING[path]}x = 1\n", f"{after}x = 1\n"
    found = check_behaviour(path, before, after, unless, taken=taken)
    assert found.keeps_behaviour is not bool(why), found
    assert all(why in each.reason for each in found.open)
