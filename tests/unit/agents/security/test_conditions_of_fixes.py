"""The conditions of rules that keep behaviour hold for their own edits, and for no hostile one."""

import pytest

from shared.behaviour import RepositoryNames, check_behaviour
from tests.support.trees import FakeTree

ALONE = RepositoryNames(FakeTree({"m.py": ""}))
DIGEST, LITERAL = "digests.says-what-it-is-for", "literals.evaluated-literal"
HASH = "import hashlib\nx = hashlib.md5(a{})\n"
READ = "import ast\nx = {}\n"

HOLDS = [
    (DIGEST, HASH.format(""), HASH.format(", usedforsecurity=False")),
    (
        DIGEST,
        "from hashlib import sha1 as h\nx = h()\n",
        "from hashlib import sha1 as h\nx = h(usedforsecurity=False)\n",
    ),
    (LITERAL, READ.format("eval('[1, -2]')"), READ.format("ast.literal_eval('[1, -2]')")),
    (LITERAL, READ.format("eval('{0: None}')"), READ.format("ast.literal_eval('{0: None}')")),
]
HOSTILE = [
    (DIGEST, HASH.format(""), HASH.format(", usedforsecurity=True")),
    (DIGEST, HASH.format(""), HASH.format(", usedforsecurity=0")),
    (DIGEST, HASH.format(""), HASH.format(", usedforsecurity=f()")),
    (DIGEST, HASH.format(""), HASH.format(", string=False")),
    (DIGEST, HASH.format(", **k"), HASH.format(", **k, usedforsecurity=False")),
    (DIGEST, HASH.format(", b, c=d"), HASH.format(", c=d, usedforsecurity=False")),
    (DIGEST, HASH.format(", b=f(), c=d()"), HASH.format(", c=d(), b=f(), usedforsecurity=False")),
    (
        DIGEST,
        HASH.format(", usedforsecurity=True"),
        HASH.format(", usedforsecurity=True, usedforsecurity=False"),
    ),
    (DIGEST, HASH.format(""), "import hashlib\nx = hashlib.sha1(a, usedforsecurity=False)\n"),
    (DIGEST, HASH.format(""), "import hashlib\nx = hashlib.md5(b, usedforsecurity=False)\n"),
    (DIGEST, "x = md5(a)\n", "x = md5(a, usedforsecurity=False)\n"),
    (
        DIGEST,
        "import hashlib\nhashlib = m\nx = hashlib.md5(a)\n",
        "import hashlib\nhashlib = m\nx = hashlib.md5(a, usedforsecurity=False)\n",
    ),
    (
        DIGEST,
        "import hashlib\nx = hashlib.scrypt(a)\n",
        "import hashlib\nx = hashlib.scrypt(a, usedforsecurity=False)\n",
    ),
    (LITERAL, READ.format("eval('f()')"), READ.format("ast.literal_eval('f()')")),
    (LITERAL, READ.format("eval('set()')"), READ.format("ast.literal_eval('set()')")),
    (LITERAL, READ.format("eval('1 + 2')"), READ.format("ast.literal_eval('1 + 2')")),
    (LITERAL, READ.format("eval('1 + 2j')"), READ.format("ast.literal_eval('1 + 2j')")),
    (LITERAL, READ.format("eval(' 1')"), READ.format("ast.literal_eval(' 1')")),
    (LITERAL, READ.format("eval('+1')"), READ.format("ast.literal_eval('+1')")),
    (LITERAL, READ.format("eval('...')"), READ.format("ast.literal_eval('...')")),
    (LITERAL, READ.format("eval('[*a]')"), READ.format("ast.literal_eval('[*a]')")),
    (LITERAL, READ.format("eval('{**a}')"), READ.format("ast.literal_eval('{**a}')")),
    (LITERAL, READ.format("eval('f\"{a}\"')"), READ.format("ast.literal_eval('f\"{a}\"')")),
    (LITERAL, READ.format("eval('{[]: 1}')"), READ.format("ast.literal_eval('{[]: 1}')")),
    (LITERAL, READ.format("eval(y)"), READ.format("ast.literal_eval(y)")),
    (LITERAL, READ.format("eval('1')"), READ.format("ast.literal_eval('2')")),
    (LITERAL, READ.format("eval('1')"), READ.format("ast.parse('1')")),
    (LITERAL, READ.format("eval('1', g)"), READ.format("ast.literal_eval('1')")),
    (LITERAL, "x = eval('1')\n", "x = ast.literal_eval('1')\n"),
    # Python's own, but the file had an `eval` that may read the new name.
    (LITERAL, "x = eval('1')\n", "import ast\nx = ast.literal_eval('1')\n"),
    (LITERAL, "x = eval('1')\n", "from m import ast\nx = ast.literal_eval('1')\n"),
    (LITERAL, "x = eval('1')\n", "x = ast.literal_eval('1')\nimport ast\n"),
    (
        LITERAL,
        READ.format("eval('1')\ndef eval(x): ..."),
        READ.format("ast.literal_eval('1')\ndef eval(x): ..."),
    ),
    (LITERAL, READ.format("eval('1')\neval(y)"), READ.format("ast.literal_eval('1')\neval(y)")),
    (
        LITERAL,
        READ.format("eval('1')\nglobals()['eval'] = f"),
        READ.format("ast.literal_eval('1')\nglobals()['eval'] = f"),
    ),
    (LITERAL, READ.format("m.eval('1')"), READ.format("ast.literal_eval('1')")),
]


def is_shown(condition, before, after, oldest_python=(3, 9)):
    return check_behaviour(
        "m.py", before, after, [condition], taken=ALONE, oldest_python=oldest_python
    ).keeps_behaviour


@pytest.mark.parametrize(("condition", "before", "after"), HOLDS)
def test_the_edit_of_the_rule_keeps_behaviour(condition, before, after):
    assert is_shown(condition, before, after)


@pytest.mark.parametrize(("condition", "before", "after"), HOSTILE)
def test_a_hostile_edit_meets_no_condition(condition, before, after):
    assert not is_shown(condition, before, after)


@pytest.mark.parametrize("oldest_python", [None, (3, 8), (3, 6)])
def test_a_python_without_the_keyword_is_not_given_it(oldest_python):
    condition, before, after = HOLDS[0]
    assert not is_shown(condition, before, after, oldest_python)
