"""A module of two parts becomes two modules that work as the one did, or stays as it is."""

import importlib
import sys

import pytest

from tests.support.architecture import a_source, changed, findings, proposals

CHAIN = 12


def functions(name, last, lines):
    """Functions of which each calls the next one, and the last one returns `last`."""
    filling = "    # more\n" * lines
    calls = [*(f"{name}{n}(x)" for n in range(1, CHAIN)), last]
    return [f"def {name}{n}(x):\n{filling}    return {call}\n" for n, call in enumerate(calls)]


def a_module(*more, head="", last="('pack', x)", lists="('list', x)"):
    """A module with functions called list and others called pack, in turn."""
    lists, packs = functions("list", lists, 60), functions("pack", last, 40)
    both = zip(lists, packs, strict=True)
    return head + "\n\n".join([*(each for pair in both for each in pair), *more])


def a_shop(text, **files):
    """A target with a module; in the names of other files, `__` is a dot."""
    others = {name.replace("__", "."): each for name, each in files.items()}
    user = "from shop.everything import pack1\n"
    return {"shop/__init__.py": "", "shop/user.py": user, "shop/everything.py": text, **others}


def split(files):
    """The changes and the advice that are proposed for a target."""
    made = proposals(a_source(files))
    return [e for e in made if e.changes is not None], [e for e in made if e.changes is None]


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """Write a target, and import modules of it."""

    def imported(files, *names):
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text)
        return map(importlib.import_module, names)

    monkeypatch.syspath_prepend(str(tmp_path))
    yield imported
    for name in [each for each in sys.modules if each.partition(".")[0] == "shop"]:
        del sys.modules[name]


HEAD = '#!/bin/sh\n# Ours.\n"""All."""\n\nfrom __future__ import annotations\nimport json, re\n\n'
VALUES = "PACKED = ' '\nOTHER = re.compile(PACKED)\n"
USING = "def packed(x: Unknown):\n    return OTHER, pack1(x)\n"


def test_both_modules_work_and_every_name_is_where_it_was(imported):
    files = a_shop(a_module(VALUES, USING, head=HEAD, last="json.dumps(x)"))
    [made], advice = split(files)
    assert (advice, made.is_whole) == ([], True)
    assert made.created == {"shop/everything_pack.py"}
    after = changed(files, [made])
    assert findings(a_source(after)) == []
    old, new = imported(after, "shop.everything", "shop.everything_pack")
    assert old.pack0 is new.pack0
    assert old.packed({})[1] == "{}"
    assert old.list0(1) == ("list", 1)
    assert old.OTHER is new.OTHER
    assert not hasattr(old, "json")


def test_a_new_module_begins_as_the_old_one_and_as_imports_are_sorted():
    files = a_shop(a_module(VALUES, USING, head=HEAD, last="json.dumps(x)"))
    [made], _ = split(files)
    text = made.changes["shop/everything_pack.py"][1]
    assert text.startswith(
        '# Ours.\n"""The part of everything that is about pack."""\n\n'
        "from __future__ import annotations\n\nimport json\nimport re\n\n\ndef pack0(x):\n"
    )
    assert f"\n\n\n{VALUES}\n\n{USING}" in text


def test_what_the_old_module_publishes_or_uses_needs_no_second_name():
    names = "__all__ = ['list0', 'pack0']\n"
    [made], _ = split(a_shop(a_module(names, "_packed = pack1\n", "print(pack2)\n")))
    text = made.changes["shop/everything.py"][1]
    assert "    pack0,\n    pack1 as pack1,\n" in text
    assert "_packed" not in text
    assert "    pack11 as pack11,\n    pack2,\n    pack3 as pack3,\n" in text


HELPED = a_module(head="def helper(): ...\n\n\n").replace("return ", "return helper() or ")
TRIED = "try:\n    import fast\nexcept ImportError:\n    fast = None\n"
BESIDE = "[[component]]\nname = 'two'\npaths = ['shop/everything_*.py', 'shop/user.py']\n"
ALONE = "[[component]]\nname = 'one'\npaths = ['shop/everything.py']\n"


@pytest.mark.parametrize(
    "files",
    [
        a_shop(a_module(last="__name__")),
        a_shop(HELPED),
        a_shop(
            a_module(head="calls = 0\n").replace("return pack3", "global calls\n    return pack3")
        ),
        a_shop(a_module(head=TRIED, last="fast")),
        a_shop(a_module(head="from json import *\n", last="dumps(x)")),
        a_shop(a_module(head="from shop.user import other\n\nprint(other)\n", last="other")),
        a_shop(a_module().replace("def pack4", "@register\ndef pack4")),
        a_shop(a_module("def pack3(x):\n    return x\n")),
        a_shop(a_module(head="one = 1; other = 2\n", last="one", lists="other")),
        a_shop(a_module().replace("\n", "\r\n")),
        a_shop(a_module(), **{"shop/everything_pack.py": ""}),
        a_shop(a_module(), meson__build="sources = ['shop/everything.py']\n"),
        a_shop(a_module(), groundswell__toml="[policy]\nmax_lines = 300\n"),
        a_shop(a_module(), groundswell__toml="[policy]\nunsafe_fixes = false\n"),
        a_shop(a_module(), groundswell__toml=ALONE),
        a_shop(a_module(), groundswell__toml=ALONE + BESIDE),
        a_shop(a_module(), test_shop__py="patch('shop.everything.pack2')\n"),
        a_shop(a_module(), test_shop__py="import shop.everything as e\ne.pack2 = None\n"),
        {"shop/everything.py": a_module()},
        {"shop/__init__.py": a_module()},
    ],
)
def test_what_cannot_be_split_for_sure_gets_advice_only(files):
    changes, advice = split(files)
    assert changes == []
    assert "imports:god-module" in [each.rule for each in advice]
