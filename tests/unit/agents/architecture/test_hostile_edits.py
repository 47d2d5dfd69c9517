"""No condition about imports lets an edit pass that a program could notice."""

# ruff: noqa: E501  (an edit is a line)

import pytest

from shared.behaviour import check_behaviour
from shared.behaviour.repository_names import RepositoryNames
from tests.support.trees import FakeTree

ITEM = "class Item:\n    pass\n\n\ndef pack(item):\n    return item\n"
FUTURE = "from __future__ import annotations\n"
TYPING = "from typing import TYPE_CHECKING\n"
BLOCK = "if TYPE_CHECKING:\n    from p.item import Item\n"
ADD = "def add(item: Item): ...\n"
DIRECT, TYPES, DEFERRED = (
    "imports.direct-import",
    "imports.type-only-import",
    "imports.deferred-import",
)
PACKAGE = "from .item import Item, pack\nfrom .m import add\n"


def judged(condition, before, after, **files):
    """What is shown of an edit of p/m.py in a repository with these files; `a__b` is a/b.py."""
    others = {
        name if "/" in name else f"{name.replace('__', '/')}.py": text
        for name, text in files.items()
    }
    tree = {"p/__init__.py": "", "p/item.py": ITEM, "p/m.py": before, **others}
    taken = RepositoryNames(FakeTree(tree))
    return check_behaviour(
        "p/m.py", before, after, [condition], taken=taken, oldest_python=(3, 10)
    ).keeps_behaviour


TYPE_EDIT = (f"{FUTURE}from p.item import Item\n{ADD}", f"{FUTURE}{TYPING}{BLOCK}{ADD}")
CALL_EDIT = (
    "from p.item import pack\ndef add(x):\n    return pack(x)\n",
    "def add(x):\n    from p.item import pack\n    return pack(x)\n",
)
DIRECT_EDIT = ("from p import Item\nx = Item\n", "from p.item import Item\nx = Item\n")
PUBLIC = {"p/__init__.py": PACKAGE}


@pytest.mark.parametrize(
    ("condition", "edit", "files"),
    [
        (TYPES, TYPE_EDIT, {}),
        (
            TYPES,
            (f"from p.item import Item\n{ADD}", f'{TYPING}{BLOCK}def add(item: "Item"): ...\n'),
            {},
        ),
        (DEFERRED, CALL_EDIT, {}),
        (DIRECT, DIRECT_EDIT, PUBLIC),
        (TYPES, TYPE_EDIT, {"p__item": f"import enum\nclass Kind(enum.Enum):\n    A = 1\n{ITEM}"}),
        (
            DEFERRED,
            CALL_EDIT,
            {"p__item": f"from collections.abc import Sequence\nclass Row(Sequence): ...\n{ITEM}"},
        ),
        (DEFERRED, CALL_EDIT, {"p__item": f"{ITEM}Item.box = pack\n"}),
    ],
)
def test_a_plain_edit_is_shown(condition, edit, files):
    assert judged(condition, *edit, **files)


NOISY = f"{ITEM}print(Item)\n"


@pytest.mark.parametrize(
    "files",
    [
        {"p__item": NOISY},
        {"p__item": f"import requests\n{ITEM}"},
        {
            "p__item": f"from p import other\n{ITEM}",
            "p__other": "import atexit\natexit.register(f)\n",
        },
        {"p__item": f"from p.m import add\nfrom p import z\n{ITEM}", "p__z": "import p.item\n"},
        {"q": "from p.m import Item, pack\n"},
        {"q": "from p.m import *\n"},
        {"q": "import p.m\nprint(p.m.Item, p.m.pack)\n"},
        {"q": "patch('p.m.Item')\npatch('p.m.pack')\n"},
        {"q": "import p.m\nprint(p.item.Item)\n"},
        {
            "p__item": "def Item(): ...\nItem = property(Item)\ndef pack(): ...\npack = property(pack)\n"
        },
        {
            "p__item": f"class Base:\n    def __init_subclass__(cls):\n        seen.append(cls)\nclass A(Base): ...\n{ITEM}"
        },
        {
            "p__item": f"from p.base import Base\nclass A(Base): ...\n{ITEM}",
            "p__base": "class Base(metaclass=M): ...\n",
        },
        {"p__item": f"@register\nclass A: ...\n{ITEM}"},
        {"p__item": f"x = table['key']\n{ITEM}"},
        {"p__item": f"x[0] = 1\n{ITEM}"},
        {"p__item": f"try:\n    import fast\nexcept ImportError:\n    pass\n{ITEM}"},
        {"p__item": f"def f(x=g()): ...\n{ITEM}"},
    ],
)
@pytest.mark.parametrize(("condition", "edit"), [(TYPES, TYPE_EDIT), (DEFERRED, CALL_EDIT)])
def test_what_others_may_notice_is_not_shown(condition, edit, files):
    assert not judged(condition, *edit, **files)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"from p.item import Item\n{ADD}", f"{TYPING}{BLOCK}{ADD}"),
        (
            f"{FUTURE}from p.item import Item\n{ADD}x = Item\n",
            f"{FUTURE}{TYPING}{BLOCK}{ADD}x = Item\n",
        ),
        (
            f"{FUTURE}from p.item import Item\n@route\n{ADD}",
            f"{FUTURE}{TYPING}{BLOCK}@route\n{ADD}",
        ),
        (
            f"{FUTURE}from p.item import Item\nclass A(Model):\n    x: Item\n",
            f"{FUTURE}{TYPING}{BLOCK}class A(Model):\n    x: Item\n",
        ),
        (f"{FUTURE}from p.item import Item\n{ADD}", f"{FUTURE}{ADD}"),
        (f"{FUTURE}from p.item import Item\n{ADD}", f"{FUTURE}TYPE_CHECKING = True\n{BLOCK}{ADD}"),
        (
            f"{FUTURE}from p.item import Item\n{ADD}",
            f"{FUTURE}from q import TYPE_CHECKING\n{BLOCK}{ADD}",
        ),
        (
            f"{FUTURE}from p.item import Item\n{ADD}",
            f"{FUTURE}{TYPING}if TYPE_CHECKING:\n    from p.item import pack as Item\n{ADD}",
        ),
        (
            f"{FUTURE}from p.item import Item\n{ADD}",
            f"{FUTURE}{TYPING}if not TYPE_CHECKING:\n    from p.item import Item\n{ADD}",
        ),
        (
            f"{FUTURE}from p.item import Item\nimport os\n{ADD}",
            f"{FUTURE}{TYPING}if TYPE_CHECKING:\n    from p.item import Item\n    import os\n{ADD}",
        ),
        (f"{FUTURE}from p.item import Item\n{ADD}", f"{FUTURE}{TYPING}import q\n{BLOCK}{ADD}"),
        (
            f"{FUTURE}from p.item import Item\n{ADD}",
            f"{FUTURE}{TYPING}{BLOCK}def add(item: int): ...\n",
        ),
        (
            f"from p.item import Item\n{ADD}",
            f'{TYPING}{BLOCK}def add(item: "Item", x=1): ...\n',
        ),
        (
            "from p.item import Item\ndef add(item: Item, x: int): ...\n",
            f'{TYPING}{BLOCK}def add(item: "Item", x: "int"): ...\n',
        ),
        (
            f"{FUTURE}from p.item import Item\n__all__ = ['Item']\n{ADD}",
            f"{FUTURE}{TYPING}{BLOCK}__all__ = ['Item']\n{ADD}",
        ),
        (
            f"{FUTURE}from p.item import Item\n{ADD}globals()\n",
            f"{FUTURE}{TYPING}{BLOCK}{ADD}globals()\n",
        ),
        (
            f"{FUTURE}class A:\n    from p.item import Item\n    def f(self, x: Item): ...\n",
            f"{FUTURE}{TYPING}class A:\n    if TYPE_CHECKING:\n        from p.item import Item\n    def f(self, x: Item): ...\n",
        ),
    ],
)
def test_a_hostile_edit_for_types_is_not_shown(before, after):
    assert not judged(TYPES, before, after)


@pytest.mark.parametrize(
    "reader",
    [
        "from typing import get_type_hints\n",
        "x = f.__annotations__\n",
        "import pydantic\n",
        "inspect.signature(f, eval_str=True)\n",
        "getattr(f, '__annotations__')\n",
    ],
)
def test_annotations_that_the_repository_reads_are_not_shown(reader):
    assert not judged(TYPES, *TYPE_EDIT, q=reader)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CALL_EDIT[0], "def add(x):\n    from p.item import Item as pack\n    return pack(x)\n"),
        (CALL_EDIT[0], "def add(x):\n    from p.other import pack\n    return pack(x)\n"),
        (
            CALL_EDIT[0],
            "def add(x):\n    print(x)\n    from p.item import pack\n    return pack(x)\n",
        ),
        (
            CALL_EDIT[0],
            "def add(x):\n    import os\n    from p.item import pack\n    return pack(x)\n",
        ),
        (CALL_EDIT[0], "def add(x):\n    return pack(x)\n"),
        (
            CALL_EDIT[0] + "def other(x):\n    return pack(x)\n",
            CALL_EDIT[1] + "def other(x):\n    return pack(x)\n",
        ),
        (
            "@jit\n".join(CALL_EDIT[0].partition("def")[::2]).replace(
                "@jit\n add", "@jit\ndef add"
            ),
            "@jit\n" + CALL_EDIT[1],
        ),
        (CALL_EDIT[0] + "x = pack(1)\n", CALL_EDIT[1] + "x = pack(1)\n"),
        (CALL_EDIT[0] + "add = lambda x: pack(x)\n", CALL_EDIT[1] + "add = lambda x: pack(x)\n"),
        (CALL_EDIT[0] + "pack = 1\n", CALL_EDIT[1] + "pack = 1\n"),
        (CALL_EDIT[0], CALL_EDIT[1].replace("def add", "import os\ndef add")),
    ],
)
def test_a_hostile_edit_for_calls_is_not_shown(before, after):
    assert not judged(DEFERRED, before, after)


@pytest.mark.parametrize(
    "files",
    [
        {"q": "import p.item\np.item.pack = print\n"},
        {"q": "patch('p.item.pack')\n"},
        {"p__item": f"{ITEM}def g():\n    global pack\n    pack = 1\n"},
        {"p__item": f"{ITEM}if x: pack = 1\n"},
    ],
)
def test_a_name_that_may_mean_another_object_later_is_not_deferred(files):
    assert not judged(DEFERRED, *CALL_EDIT, **files)


@pytest.mark.parametrize(
    ("before", "after", "files"),
    [
        (
            *DIRECT_EDIT,
            {"p/__init__.py": "from .other import Item\n", "p__other": "class Item: ...\n"},
        ),
        (*DIRECT_EDIT, {"p/__init__.py": "from .item import pack as Item\n"}),
        (*DIRECT_EDIT, {"p/__init__.py": "from .item import Item\nItem = print(Item) or Item\n"}),
        (
            *DIRECT_EDIT,
            {
                "p/__init__.py": "try:\n    from .item import Item\nexcept ImportError:\n    Item = None\n"
            },
        ),
        (*DIRECT_EDIT, {"p/__init__.py": PACKAGE, "q": "import p\np.Item = 1\n"}),
        (*DIRECT_EDIT, {"p/__init__.py": PACKAGE, "q": "patch('p.Item')\n"}),
        (*DIRECT_EDIT, {"p/__init__.py": PACKAGE, "p__item": f"{ITEM}Item = f(Item)\n"}),
        (DIRECT_EDIT[0], "from p.item import pack as Item\nx = Item\n", PUBLIC),
        (DIRECT_EDIT[0], "from p.m2 import Item\nx = Item\n", {**PUBLIC, "p__m2": ITEM}),
        ("from q import Item\n", "from p.item import Item\n", {"q": "from p.item import Item\n"}),
        (DIRECT_EDIT[0], "from p.item import Item, pack\nx = Item\n", PUBLIC),
        (
            "def f():\n    from p import Item\n    return Item\n",
            "def f():\n    from p.item import Item\n    return Item\n",
            PUBLIC,
        ),
        (
            "from p import Item\nfrom q import x\n",
            "from q import x\nfrom p.item import Item\nimport os\n",
            {**PUBLIC, "q": "x = 1\n"},
        ),
    ],
)
def test_a_hostile_direct_import_is_not_shown(before, after, files):
    assert not judged(DIRECT, before, after, **files)


QUALIFIED = "qualified.defining-module"
SHORTENED = (
    "import p\n\n\nclass Box(p.Item): ...\n",
    "from p.item import Item\n\n\nclass Box(Item): ...\n",
)


def test_a_name_in_place_of_an_attribute_of_the_package_is_shown():
    assert judged(QUALIFIED, *SHORTENED, **PUBLIC)


@pytest.mark.parametrize(
    ("edit", "files"),
    [
        (SHORTENED, {"p/__init__.py": "from .m import add\nfrom .item import Item, pack\n"}),
        (
            SHORTENED,
            {"p/__init__.py": f"from .x import X\n{PACKAGE}", "p__x": "from p.m import Box\n"},
        ),
        (
            SHORTENED,
            {"p/__init__.py": f"from .x import X\n{PACKAGE}", "p__x": "def X():\n    import p.m\n"},
        ),
        (SHORTENED, {"p/__init__.py": f"{PACKAGE}Item = pack\n"}),
        (SHORTENED, {**PUBLIC, "tests__test_m": "import p\np.Item = None\n"}),
        (SHORTENED, {**PUBLIC, "tests__test_m": "from p.m import p\n"}),
        (SHORTENED, {**PUBLIC, "tests__test_m": "patch('p.m.p')\n"}),
        (SHORTENED, {"p/__init__.py": "", "p__item": ""}),
        ((SHORTENED[0], SHORTENED[1].replace("p.item import", "p.other import")), PUBLIC),
        ((SHORTENED[0], SHORTENED[1].replace("(Item)", "(pack)")), PUBLIC),
        ((f"{SHORTENED[0]}X = p\n", f"{SHORTENED[1]}X = p\n"), PUBLIC),
        ((f"{SHORTENED[0]}Item = 1\n", f"{SHORTENED[1]}Item = 1\n"), PUBLIC),
        ((f"{SHORTENED[0]}T = 'Item'\n", f"{SHORTENED[1]}T = 'Item'\n"), PUBLIC),
        ((f"{SHORTENED[0]}T = globals()\n", f"{SHORTENED[1]}T = globals()\n"), PUBLIC),
    ],
)
def test_a_name_in_place_of_an_attribute_is_not_shown(edit, files):
    assert not judged(QUALIFIED, *edit, **files)


LOUD = {"p__item": f"{ITEM}print(1)\n"}
LEADING = "from .other import other\nfrom .m import add\n"
OTHER = "from p.item import pack\n\n\ndef other(x):\n    return pack(x)\n"


def test_what_the_package_has_loaded_before_may_do_anything_as_it_is_loaded():
    assert judged(DEFERRED, *CALL_EDIT, **LOUD, p__other=OTHER, **{"p/__init__.py": LEADING})


@pytest.mark.parametrize(
    "files",
    [
        {"p/__init__.py": "from .m import add\nfrom .other import other\n", "p__other": OTHER},
        {
            "p/__init__.py": f"from .x import y\n{LEADING}",
            "p__other": OTHER,
            "p__x": "import p.m\ny = 1\n",
        },
        {
            "p/__init__.py": f"from .x import y\n{LEADING}",
            "p__other": OTHER,
            "p__x": "def y():\n    import p.m\n",
        },
        {"p/__init__.py": f"if True:\n    {LEADING}", "p__other": OTHER},
        {"p/__init__.py": LEADING, "p__other": f"if 0:\n    {OTHER}"},
        {"p/__init__.py": LEADING, "p__other": "def other():\n    from p.item import pack\n"},
        {"p/__init__.py": "", "p__other": OTHER},
    ],
)
def test_what_the_package_may_not_have_loaded_before_may_do_nothing(files):
    assert not judged(DEFERRED, *CALL_EDIT, **LOUD, **files)


@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.pack = 1\n",
        "class Meta(type): ...\nclass Box(metaclass=Meta): ...\nBox.x = 1\n",
        "class Box(Other): ...\nBox.x = 1\n",
        "class Box: ...\nBox = Box()\nBox.x = 1\n",
        "class Box: ...\nBox.x = print()\n",
        "class Box: ...\nBox.x.y = 1\n",
    ],
)
def test_an_attribute_of_anything_but_an_own_class_may_be_noticed(text):
    assert not judged(DEFERRED, *CALL_EDIT, p__item=f"{ITEM}{text}")


REACHING = "import p\n\n\ndef f(x):\n    return p.item.pack(x)\n"
LOADS_ITEM = "from .m import add\nfrom .item import Item\n"


def test_who_is_outside_of_a_package_reads_what_that_loads_in_any_case():
    assert judged(DEFERRED, *CALL_EDIT, **{"p/__init__.py": LOADS_ITEM}, use=REACHING)


@pytest.mark.parametrize(
    "files",
    [
        {"p/__init__.py": "from .m import add\n", "use": REACHING},
        {"p/__init__.py": LOADS_ITEM, "p__use": REACHING},
        {
            "p/__init__.py": "from .m import add\ntry:\n    import p.item\nexcept E: ...\n",
            "use": REACHING,
        },
    ],
)
def test_a_module_that_is_read_by_its_package_may_be_missed(files):
    assert not judged(DEFERRED, *CALL_EDIT, **files)


FOREIGN = {"p__item": f"import leather\n{ITEM}"}
DRAWS = "import leather\n\n\ndef other(): ...\n"


def test_a_module_of_others_that_is_loaded_before_may_do_anything():
    assert judged(DEFERRED, *CALL_EDIT, **FOREIGN, **{"p/__init__.py": LEADING}, p__other=DRAWS)


@pytest.mark.parametrize(
    "files",
    [
        {"p/__init__.py": "from .m import add\nfrom .other import other\n", "p__other": DRAWS},
        {"p/__init__.py": LEADING, "p__other": "def other():\n    import leather\n"},
        # It may be what imports the package, and go on only after that.
        {"p/__init__.py": "import q\nfrom .m import add\n", "q": f"import p\n{DRAWS}"},
    ],
)
def test_a_module_of_others_that_may_not_be_loaded_before_may_do_nothing(files):
    assert not judged(DEFERRED, *CALL_EDIT, **FOREIGN, **files)
