"""Fixes that keep behaviour, but that a maintainer would send back: they are not proposed."""

import pytest

from services.agents.domain.objections import has_outdated_comment, has_overlong_line
from shared.detectors.line_length import configured_line_length
from shared.detectors.ports import Source
from shared.targets.profile import profile_target
from tests.support.agents import proposals_of, served_type
from tests.support.trees import FakeTree


async def final(tmp_path, text, agent_type="code_quality", **files):
    """A file after all proposals, and the rules of these."""
    named = {name.replace("_", "."): content for name, content in files.items()}
    tree = FakeTree({"shop/__init__.py": "", "shop/a.py": text, **named})
    source = Source(tree, profile_target(tree))
    made = await proposals_of(served_type(tmp_path, name=agent_type).engine, source, "shop")
    texts = [each.changes["shop/a.py"][1] for each in made]
    return (texts or [text])[-1], [each.rule.partition(":")[2] for each in made]


LONG = (
    "def f(first_of_the_names):\n"
    '    text = "{} was named first, and nobody said what else it might be called now".format(\n'
    "        first_of_the_names)\n"
    "    print(text)\n"
    "    return text\n"
)


async def test_no_fix_makes_a_line_longer_than_the_project_has_them(tmp_path):
    assert await final(tmp_path, LONG) == (LONG, [])
    wide, rules = await final(tmp_path, LONG, setup_cfg="[flake8]\nmax-line-length = 119\n")
    assert rules == ["UP032"]
    assert max(map(len, wide.splitlines())) == 100


async def test_of_several_fixes_only_the_one_that_is_too_long_is_left_out(tmp_path):
    short = '\n\ndef g(x):\n    return "a {}".format(x)\n'
    after, rules = await final(tmp_path, LONG + short)
    assert after == LONG + short.replace('"a {}".format(x)', 'f"a {x}"')
    assert rules == ["UP032"]


def test_a_line_that_was_too_long_may_stay_so():
    before, after = f"x = {'1' * 100}\n", f"y = {'1' * 99}\n"
    assert not has_overlong_line(before, after, 88)
    assert has_overlong_line("x = 1\n", after, 88)


@pytest.mark.parametrize(
    ("files", "length"),
    [
        ({}, None),
        ({"pyproject.toml": "[tool.black]\n"}, 88),
        ({"pyproject.toml": "[tool.black]\nline-length = 100\n[tool.ruff]\nline-length = 80"}, 100),
        ({"ruff.toml": "line-length = 90\n"}, 90),
        ({"setup.cfg": "[flake8]\nmax-line-length = 119\n"}, 119),
        ({"tox.ini": "[pycodestyle]\nmax_line_length: 95\n"}, 95),
        ({".pylintrc": "[FORMAT]\nmax-line-length=110\n"}, 110),
        ({"pyproject.toml": '[tool.pylint.format]\nmax-line-length = "105"\n'}, 105),
        ({"a/setup.cfg": "[flake8]\nmax-line-length = 70\n", "ruff.toml": "line-length = 90"}, 70),
        ({"pyproject.toml": "line-length ="}, None),
    ],
)
def test_the_line_length_is_that_of_formatters_and_linters(files, length):
    assert configured_line_length(FakeTree(files), "a/b.py") == length


REMARK = """import flask

app = flask.Flask("a")

if __name__ == "__main__":
    app.run(port=1, debug=True)  # Vulnerable: Debug mode enabled
"""


async def test_a_comment_on_what_a_fix_would_remove_is_left_true(tmp_path):
    assert await final(tmp_path, REMARK, "security") == (REMARK, [])
    plain = REMARK.replace("Debug mode enabled", "no lock")
    assert "debug" not in (await final(tmp_path, plain, "security"))[0]


@pytest.mark.parametrize(
    ("before", "after", "outdated"),
    [
        ("x = f(debug=1)  # debug\n", "x = f()  # debug\n", True),
        ("# a random key\nx = random()\n", "# a random key\nx = token_hex()\n", False),
        ("x = f(debug=1)  # slow\n", "x = f()  # slow\n", False),
        ("x = f(debug=1)  # debug\n", "y = f(debug=1)  # debug\n", False),
        ("if a:\n    b\nelse:\n    c  # or else\n", "if a:\n    b\nc  # or else\n", False),
        ("x = (  # debug\n", "x = 1  # debug\n", False),
    ],
)
def test_a_comment_is_outdated_if_its_words_are_gone_from_the_code(before, after, outdated):
    assert has_outdated_comment(before, after) is outdated


async def test_no_proposal_leaves_work_for_the_next_one_on_its_line(tmp_path):
    """Branches that are merged would be compared by `in` next, which needs another argument."""
    text = (
        "def f(x, g):\n    a = len(x)\n    if a == 1:\n        g(a)\n    elif a == 2:\n"
        "        g(a)\n    else:\n        g(0)\n"
    )
    assert await final(tmp_path, text) == (text, [])
    other = text.replace("elif a == 2", "elif g(a) == 2")
    assert (await final(tmp_path, other))[1] == ["SIM114"]


async def test_a_conditional_expression_is_turned_round_and_shortened_at_once(tmp_path):
    text = "def f(x):\n    return [1] if not x else x\n"
    assert await final(tmp_path, text) == ("def f(x):\n    return x or [1]\n", ["SIM212"])
    ignored = '[tool.ruff.lint]\nignore = ["FURB110"]\n'
    after, rules = await final(tmp_path, text, pyproject_toml=ignored)
    assert (after, rules) == ("def f(x):\n    return x if x else [1]\n", ["SIM212"])


async def test_a_condition_is_not_negated_as_a_whole(tmp_path):
    text = "def f(a, b):\n    if a and b != 1:\n        return False\n    return True\n"
    assert await final(tmp_path, text) == (text, [])


async def test_parallel_branches_stay_parallel(tmp_path):
    text = (
        "def f(step, a, b):\n    if step:\n        if a < b:\n            return 1\n"
        "    else:\n        if a > b:\n            return 2\n    return 3\n"
    )
    assert await final(tmp_path, text) == (text, [])
    lone = text.replace("        if a < b:\n            return 1\n", "        a = b\n")
    assert (await final(tmp_path, lone))[1] == ["PLR5501"]


async def test_names_are_not_marked_as_unused_where_none_of_them_is_used(tmp_path):
    text = "def f(g):\n    out, err = g()\n    return 1\n"
    assert await final(tmp_path, text) == (text, [])
    used = text.replace("return 1", "return out")
    assert await final(tmp_path, used) == (used.replace("out, err", "out, _err"), ["RUF059"])


async def test_a_constant_is_put_after_what_the_module_says_of_itself(tmp_path):
    text = (
        'import re\n\n__all__ = ["f"]\n__version__ = "1"\n\n\ndef f(texts):\n    found = []\n'
        '    for each in texts:\n        found.append(re.split("[.]", each))\n    return found\n'
    )
    after, _ = await final(tmp_path, text, "performance")
    assert '__version__ = "1"\n\n_F_PATTERN = re.compile("[.]")\n\n\ndef f' in after
