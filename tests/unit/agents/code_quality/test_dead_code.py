"""Dead code goes with what only it used; what may be used after all stays."""

# ruff: noqa: E501  (code is a line)

import pytest

from shared.behaviour import check_behaviour
from shared.behaviour.repository_names import RepositoryNames
from tests.support.trees import FakeTree
from tests.unit.agents.code_quality.support import a_source, findings, fixed, proposals

UNUSED = ["dead-code.unused-definition", "reflection.unused-import"]
UNREACHABLE = ["dead-code.unreachable-statements", "reflection.unused-import"]
DEAD = "import json\n\n\ndef _dead(x):\n    return _helper(json.dumps(x))\n\n\ndef _helper(x):\n    return x\n\n\nx = 1\n"


def dead(scratch, text, **files):
    """The codes of what is found dead in `m/a.py`."""
    source = a_source({"m/__init__.py": "", "m/a.py": text, **files})
    return [e.code for e in findings(scratch, source) if e.tool == "vulture" and e.path == "m/a.py"]


def test_what_only_dead_code_used_goes_in_the_same_proposal(tmp_path):
    files = {"m/__init__.py": "", "m/a.py": DEAD}
    (made,) = proposals(tmp_path, a_source(files))
    assert made.rule == "vulture:V103"
    assert "What that made possible is fixed as well (F401)." in made.rationale
    assert fixed(files, [made])["m/a.py"] == "x = 1\n"
    assert made.conditions == tuple(UNUSED)


@pytest.mark.parametrize(
    ("path", "mention"),
    [
        ("m/b.py", "from m.a import _dead\n\n_dead(1)\n"),
        ("m/b.py", "import m.a\n\nm.a._dead(1)\n"),
        ("m/b.py", "x = '_dead'\n"),
        ("m/b.py", "from m import a\n\nx = getattr(a, f'_dea{d}')\n# see _dead\n"),
        ("docs/a.rst", "Call ``_dead``.\n"),
        ("pyproject.toml", '[project]\nname = "m"\n[project.scripts]\nm = "m.a:_dead"\n'),
        ("templates/a.html", "{{ a._dead() }}\n"),
        ("web/a.js", "call('_dead')\n"),
    ],
)
def test_a_mention_anywhere_keeps_it_alive(tmp_path, path, mention):
    text = "def _dead(x):\n    return x\n"
    assert dead(tmp_path, text) == ["V103"]
    assert dead(tmp_path, text, **{path: mention}) == []


@pytest.mark.parametrize(
    "text",
    [
        "__all__ = ['_dead']\n\n\ndef _dead(x):\n    return x\n",
        "@register\ndef _dead(x):\n    return x\n",
        "class _Dead(Plugin):\n    x = 1\n",
        "class _Dead(metaclass=M):\n    x = 1\n",
        "class A(Base):\n    def _hook(self):\n        return 1\n\n    def b(self):\n        return 2\n",
        "class A:\n    def _repr_html_(self):\n        return ''\n\n    x = 1\n",
        "def _on_start():\n    return 1\n\n\ndef run(kind):\n    return globals()[f'_on_{kind}']()\n",
        "def _dead(x):  # noqa: V103\n    return x\n",
        "def __getattr__(name):\n    raise AttributeError(name)\n",
        "def public(x):\n    return x\n",
        "try:\n    from fast import f\nexcept ImportError:\n    def _f(x):\n        return x\n\n    f = _f\n",
        "def f():\n    raise NotImplementedError\n    yield\n",
        "if x:\n\n    def _dead():\n        return 1\n",
    ],
)
def test_what_may_be_used_is_no_finding(tmp_path, text):
    assert dead(tmp_path, text) == []


def test_a_public_function_that_nobody_can_import_from_outside_is_advice(tmp_path):
    text = "def lonely(x):\n    return x\n"
    source = a_source({"pyproject.toml": "", "app.py": text, "m.py": "x = 1\n"})
    (found,) = findings(tmp_path, source)
    assert (found.code, found.fixable) == ("V103", "no")
    assert "Remove it, or say where it is used" in found.message
    assert proposals(tmp_path, source) == []


@pytest.mark.parametrize("section", ["ignore_names = ['_d*']", "exclude = ['m/a.py']"])
def test_what_a_target_tells_vulture_is_heard(tmp_path, section):
    text = "def _dead(x):\n    return x\n"
    project = f'[project]\nname = "m"\n[tool.vulture]\n{section}\n'
    assert dead(tmp_path, text, **{"pyproject.toml": project}) == []


@pytest.mark.parametrize("section", [{"ignore": ["V1"]}, {"select": ["V2", "F"]}])
def test_rules_are_chosen_by_the_beginnings_of_their_codes(tmp_path, section):
    text = "def _dead(x):\n    return x\n"
    assert findings(tmp_path, a_source({"m/__init__.py": "", "m/a.py": text}, section)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1\n\n\n# About it.\ndef _dead():\n    return 1\n", "x = 1\n"),
        ("x = 1\n# Of x.\ndef _dead():\n    return 1\n", None),
        ("x = 1\n\n\n# --- helpers ---\ndef _dead():\n    return 1\n", None),
        (
            "class A:\n    x = 1\n\n    def _dead(self):\n        return 1\n\n\ny = A\n",
            "class A:\n    x = 1\n\n\ny = A\n",
        ),
        ("class A:\n    def _dead(self):\n        return 1\n\n\ny = A\n", None),
        (
            "def f():\n    def dead():\n        return 1\n\n    return 2\n",
            "def f():\n    return 2\n",
        ),
        ("def f():\n    return 2\n    print(1)\n    print(2)\n", "def f():\n    return 2\n"),
        ("def f():\n    return 2\n    # Not yet:\n    print(1)\n", None),
        ("def f():\n    return 2; print(1)\n", None),
        (
            "def f(x):\n    for y in x:\n        continue\n        print(y)\n",
            "def f(x):\n    for y in x:\n        continue\n",
        ),
    ],
)
def test_removal_leaves_what_a_maintainer_would(tmp_path, before, after):
    files = {"m/__init__.py": "", "m/a.py": before}
    made = [e for e in proposals(tmp_path, a_source(files)) if e.rule.startswith("vulture:")]
    assert fixed(files, made)["m/a.py"] == (before if after is None else after)


def judged(unless, before, after, **files):
    names = {path.replace("__", "/") + ".py": text for path, text in files.items()}
    taken = RepositoryNames(FakeTree({"m/a.py": before, **names}))
    found = check_behaviour("m/a.py", before, after, unless, taken=taken, oldest_python=(3, 10))
    return found.keeps_behaviour


DEF = "x = 1\n\n\ndef _dead(y):\n    return y\n"
GONE = "x = 1\n"


def test_a_definition_that_nothing_mentions_may_go():
    assert judged(UNUSED, DEF, GONE)
    assert judged(UNUSED, DEAD, "x = 1\n")


@pytest.mark.parametrize(
    ("before", "after", "files"),
    [
        (DEF, GONE, {"m__b": "from m.a import _dead\n"}),
        (DEF, GONE, {"m__b": "import m.a\nf = m.a._dead\n"}),
        (DEF, GONE, {"m__b": "from m.a import *\n# _dead\n"}),
        (DEF, GONE, {"m__b": "import inspect\nfrom m import a\ninspect.getmembers(a)\n"}),
        (DEF, GONE, {"m__b": "from m import a\nx = [vars(a)[y] for y in z]\n"}),
        (DEF.replace("_dead", "_do_it"), GONE, {"m__b": "getattr(a, '_do_' + x)\n"}),
        (DEF.replace("_dead", "_do_it"), GONE, {"m__b": "getattr(a, f'{x}_it')\n"}),
        (DEF, "x = _dead\n", {}),
        (DEF + "z = _dead\n", GONE + "z = _dead\n", {}),
        (DEF + "z = globals()\n", GONE + "z = globals()\n", {}),
        (DEF + "z = getattr(w, v)\n", GONE + "z = getattr(w, v)\n", {}),
        (DEF.replace("_dead", "dead"), GONE, {}),
        (DEF.replace("_dead", "__dead"), GONE, {}),
        (DEF.replace("_dead", "_dead_"), GONE, {}),
        (DEF.replace("def", "@task\ndef"), GONE, {}),
        (DEF.replace("(y)", "(y=open('z'))"), GONE, {}),
        (DEF.replace("(y)", "(y: f() = 1)"), GONE, {}),
        ("class _A(Base):\n    x = 1\n\n\nx = 1\n", GONE, {}),
        ("class _A(metaclass=M):\n    x = 1\n\n\nx = 1\n", GONE, {}),
        ("class _A:\n    print(1)\n\n\nx = 1\n", GONE, {}),
        ("class Exception: ...\nclass _A(Exception): ...\n", "class Exception: ...\n", {}),
        ("class A(B):\n    def _h(self): ...\n    x = 1\n", "class A(B):\n    x = 1\n", {}),
        ("@reg\nclass A:\n    def _h(self): ...\n    x = 1\n", "@reg\nclass A:\n    x = 1\n", {}),
        (DEF, "", {}),
        (DEF, "x = 2\n", {}),
        ("import b\n" + DEF, GONE, {}),
        ("_x = f()\n" + DEF, GONE, {}),
    ],
)
def test_a_hostile_removal_is_not_shown(before, after, files):
    assert not judged(UNUSED, before, after, **files)


@pytest.mark.parametrize("path", ["tests/test_a.py", "conftest.py"])
def test_what_a_test_runner_finds_by_name_is_not_shown(path):
    taken = RepositoryNames(FakeTree({path: DEF}))
    found = check_behaviour(path, DEF, GONE, UNUSED, taken=taken, oldest_python=(3, 10))
    assert not found.keeps_behaviour


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(x):\n    return x\n    print(x)\n", "def f(x):\n    return x\n"),
        ("def f(x):\n    raise x\n    y = 1\n    return y\n", "def f(x):\n    raise x\n"),
        ("for x in y:\n    break\n    z = 1\n", "for x in y:\n    break\n"),
    ],
)
def test_statements_that_are_never_reached_may_go(before, after):
    assert judged(UNREACHABLE, before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(x):\n    return x\n    yield\n", "def f(x):\n    return x\n"),
        ("def f():\n    return x\n    x = 1\n", "def f():\n    return x\n"),
        ("def f():\n    return x\n    global x\n", "def f():\n    return x\n"),
        ("def f():\n    return x\n    import x.y\n", "def f():\n    return x\n"),
        (
            "def f():\n    return [x for y in z]\n    for x in w: ...\n",
            "def f():\n    return [x for y in z]\n",
        ),
        ("def f():\n    g()\n    print(1)\n", "def f():\n    g()\n"),
        ("def f(x):\n    if x: return\n    print(1)\n", "def f(x):\n    if x: return\n"),
        ("def f(x):\n    return 1\n    print(1)\n", "def f(x):\n    return 2\n"),
        ("def f(x):\n    return 1\n    print(1)\n", "def f(x):\n    print(1)\n"),
        ("def f():\n    return locals()\n    x = 1\n", "def f():\n    return locals()\n"),
    ],
)
def test_a_hostile_removal_of_statements_is_not_shown(before, after):
    assert not judged(UNREACHABLE, before, after)
