"""Return annotations are added where the code shows them, in files that have them otherwise."""

import pytest

from shared.behaviour import check_behaviour
from shared.behaviour.repository_names import RepositoryNames
from tests.support.trees import FakeTree
from tests.unit.agents.code_quality.support import a_source, findings, fixed, proposals

# A file that is annotated.
HEAD = "".join(f"def a{n}(x: int) -> int:\n    return x + {n}\n\n\n" for n in range(5))
RETURNS = ["returns.evident-annotation"]


def after(scratch, text, **files):
    """The text with what the engine proposes about annotations."""
    files = {"m/__init__.py": "", "m/a.py": HEAD + text, **files}
    made = [e for e in proposals(scratch, a_source(files)) if e.rule == "annotations:ANN201"]
    return fixed(files, made)["m/a.py"].removeprefix(HEAD), made


@pytest.mark.parametrize(
    ("text", "annotation"),
    [
        ("def f(x: int):\n    print(x)\n", "None"),
        ("def f():\n    if a0(1):\n        return\n    print(1)\n", "None"),
        ("async def f(x: int):\n    print(x)\n", "None"),
        ("def f(x: int):\n    return x is None\n", "bool"),
        ("def f(x: int):\n    if x > 1:\n        return 'a'\n    return f'{x}'\n", "str"),
        ("def f(x: object, *y: int, z: str = ''):\n    return len(z)\n", "int"),
        ("def f(\n    x: int,  # it\n):\n    return x in {1: 2}\n", "bool"),
        ("def f(x: dict[str, int] = {'a': 1}):\n    print(x)\n", "None"),
        ("class A:\n    def __init__(self, x: int):\n        self.x = x\n", "None"),
        ("class A(B):\n    def __repr__(self):\n        return self.x\n", "str"),
        ("class A:\n    def __len__(self):\n        return len(self.x)\n", "int"),
    ],
)
def test_what_is_evident_is_said(tmp_path, text, annotation):
    new, (made,) = after(tmp_path, text)
    assert new.count(f" -> {annotation}:\n") == 1
    assert new.replace(f" -> {annotation}", "") == text
    assert made.conditions == tuple(RETURNS)
    assert made.title == "refactor(m): say what functions evidently return (ANN201)"


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    print(x)\n",
        "def f(x: int):\n    return x\n",
        "def f(x: int):\n    yield x\n",
        "def f(x: int):\n    raise ValueError(x)\n",
        "def f(x: int):\n    raise NotImplementedError\n",
        "def f(x: int):\n    pass\n",
        "def f(x: int): ...\n",
        "def f(x: int):\n    if x > 1:\n        return 'a'\n",
        "def f(x: int):\n    if x > 1:\n        return 'a'\n    return None\n",
        "def f(x: int):\n    return x == 1\n",
        "def f(x: int):\n    return [x]\n",
        "def f(x: int):\n    while True:\n        print(x)\n",
        "def f(x: int):\n    print(x)\n    sys.exit(1)\n",
        "@app.command\ndef f(x: int):\n    print(x)\n",
        "class A:\n    def close(self):\n        self.x = 1\n",
        "class A:\n    def __init__(self, x):\n        self.x = x\n",
        "class A:\n    def __eq__(self, other: object):\n        return self is other\n",
        "def f(x: int):  # noqa: ANN201\n    print(x)\n",
        "def f(x: int) -> None:\n    print(x)\n",
        "str = bytes\n\n\ndef f(x: int):\n    return 'a'\n",
    ],
)
def test_what_is_not_evident_stays_as_it_is(tmp_path, text):
    assert after(tmp_path, text) == (text, [])


def test_a_file_that_is_not_annotated_is_left_alone(tmp_path):
    files = {"m/__init__.py": "", "m/a.py": "def f():\n    print(1)\n\n\ndef g(x):\n    print(x)\n"}
    assert findings(tmp_path, a_source(files)) == []


def test_where_annotations_are_read_a_person_is_asked(tmp_path):
    reader = "from typing import get_type_hints\n\nx = get_type_hints(print)\n"
    _, (made,) = after(tmp_path, "def f(x: int):\n    print(x)\n", **{"m/b.py": reader})
    assert made.conditions == ()
    assert "where it may matter" in made.title


F, SAID = "def f(x: int):\n    print(x)\n", "def f(x: int) -> None:\n    print(x)\n"


@pytest.mark.parametrize(
    ("before", "after", "other"),
    [
        (F, SAID.replace("None", "int"), ""),
        (F, SAID.replace("None", "print(1)"), ""),
        (F, SAID.replace("print", "open"), ""),
        (F, SAID.replace("x: int", "x: str"), ""),
        (SAID, F, ""),
        (SAID, SAID.replace("None", "int"), ""),
        (f"@task\n{F}", f"@task\n{SAID}", ""),
        (f"import typer\n{F}", f"import typer\n{SAID}", ""),
        (F, SAID, "from fastapi import FastAPI\n"),
        (F, SAID, "x = f.__annotations__\n"),
        (F, SAID, "inspect.signature(f)\n"),
        ("def f():\n    return 'a'\nstr = 1\n", "def f() -> str:\n    return 'a'\nstr = 1\n", ""),
        ("def f(x):\n    return x\n", "def f(x) -> str:\n    return x\n", ""),
        ("def f():\n    yield 1\n", "def f() -> None:\n    yield 1\n", ""),
    ],
)
def test_a_hostile_annotation_is_not_shown(before, after, other):
    taken = RepositoryNames(FakeTree({"m/a.py": before, "m/b.py": other}))
    found = check_behaviour("m/a.py", before, after, RETURNS, taken=taken, oldest_python=(3, 10))
    assert not found.keeps_behaviour


def test_an_evident_annotation_is_shown():
    taken = RepositoryNames(FakeTree({"m/a.py": F}))
    found = check_behaviour("m/a.py", F, SAID, RETURNS, taken=taken, oldest_python=(3, 10))
    assert found.shown == {*RETURNS}
