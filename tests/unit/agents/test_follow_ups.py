"""What a fix makes possible belongs to its proposal, and no proposal rests on another's finding."""

import pytest

from shared.detectors.ports import Source
from shared.targets.profile import profile_target
from tests.support.agents import proposals_of, served_type
from tests.support.trees import FakeTree

ALIAS = "from shop.parts import dark as dark\nfrom shop.parts import mix\n\n\nx = mix(1)\n"


async def proposed(tmp_path, exclude=(), **files):
    tree = FakeTree({"shop/__init__.py": "", **{f"shop/{k}.py": text for k, text in files.items()}})
    engine = served_type(tmp_path).engine
    return await proposals_of(engine, Source(tree, profile_target(tree)), "shop", exclude)


def final(proposals, path="shop/a.py"):
    return [each.changes[path][1] for each in proposals if path in each.changes][-1]


async def test_an_import_does_not_lose_the_alias_that_says_what_it_is_for(tmp_path):
    """Without it the import would be an unused one, which another proposal would remove."""
    parts = "def mix(x):\n    return x\n\n\ndark = mix\n"
    assert await proposed(tmp_path, a=ALIAS, parts=parts) == []


CHAIN = """def f(x):
    if x == 1:
        return 1
    elif x == 2:
        raise ValueError
    else:
        return 3
"""


async def test_a_proven_fix_takes_proven_ones_with_it(tmp_path):
    (each,) = await proposed(tmp_path, a=CHAIN)
    assert each.rule == "ruff:RET505"
    assert [found.code for found in each.findings] == ["RET505"]
    assert "What that made possible is fixed as well (RET506)." in each.rationale
    assert "else" not in final([each])


async def test_what_is_made_possible_and_not_fixed_is_left_for_another_wave(tmp_path):
    """What `str` means is not known there, so the follow-up is not shown to keep behaviour."""
    text = 'from shop.parts import *\n\n\ndef f(x):\n    return "a {}".format(str(x))\n'
    found = await proposed(tmp_path, a=text)
    assert [each.rule for each in found] == ["ruff:UP032"]
    assert "{str(x)}" in final(found)
    again = await proposed(tmp_path, a=final(found))
    assert [each.rule for each in again] == ["ruff:RUF010"]
    assert "{x!s}" in final(again)


async def test_a_fix_that_would_add_more_than_it_takes_waits_for_its_follow_ups(tmp_path):
    text = 'def f(x, y):\n    return "a {} {}".format(str(x), str(y))\n'
    (each,) = await proposed(tmp_path, a=text)
    assert each.key == "ruff:UP032:shown"
    assert "What that made possible is fixed as well (RUF010)." in each.rationale
    assert '"a {x!s} {y!s}"' in final([each])
    assert len(each.conditions) == 1


@pytest.mark.parametrize(
    ("code", "made"),
    [
        ('"a %s" % (str(x),)', 'f"a {x!s}"'),
        ('"a %s" % repr(x)', 'f"a {x!r}"'),
        ('"%s: %r" % (len(x), x)', 'f"{len(x)}: {x!r}"'),
        ('"%s%% of {x}" % len(x)', 'f"{len(x)}% of {{x}}"'),
    ],
)
async def test_formatting_with_percent_becomes_an_f_string_in_one_proposal(tmp_path, code, made):
    (each,) = await proposed(tmp_path, a=f"def f(x):\n    return {code}\n")
    assert each.rule == "ruff:UP031"
    assert "What that made possible is fixed as well (" in each.rationale
    assert "UP032" in each.rationale
    assert each.conditions == ("percent.as-f-string",)
    assert final([each]) == f"def f(x):\n    return {made}\n"


async def test_a_name_of_another_kind_keeps_its_percent_formatting(tmp_path):
    """An f-string would evaluate the second value after formatting the first one."""
    text = 'def f(x, g):\n    return "%r %s" % (x, str(g()))\n'
    assert await proposed(tmp_path, a=text) == []


async def test_what_is_foreclosed_stays_so_on_a_line_that_another_fix_rewrites(tmp_path):
    text = "def f(x):\n    return x == None or x in set([1])\n"
    measured = await served_type(tmp_path).detectors[0].measure(_source(text))
    fingerprint = next(f.fingerprint for f in measured.findings if f.code == "E711")
    found = await proposed(tmp_path, exclude=[fingerprint], a=text)
    assert [each.rule for each in found] == ["ruff:C405"]
    assert "x == None" in final(found)


def _source(text):
    tree = FakeTree({"shop/__init__.py": "", "shop/a.py": text})
    return Source(tree, profile_target(tree))
