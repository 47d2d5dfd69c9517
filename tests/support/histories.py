"""A small history: good commits, one that broke the tests, a fix of it, and a revert."""

from pathlib import Path

from tests.support.repositories import a_repository, commit

SUM = "ZERO = 0\n\n\ndef add(a, b):\n    return a + b\n"
TESTS = (
    "import calc\nfrom calc import add\n\n\ndef test_zero():\n    assert calc.ZERO == 0\n\n\n"
    "def test_add():\n    assert add(1, 2) == 3\n"
)


def a_history(path: Path) -> dict[str, str]:
    """The repository, and its commits by what they are; `start` is the one before all of them."""
    a_repository(path, **{"calc.py": SUM, "test_calc.py": TESTS})
    made = {"start": commit(path, {"README.md": "# calc\n"}, "docs: say what it is")}

    def then(name: str, message: str, **files: str) -> None:
        made[name] = commit(
            path, {key.replace("_py", ".py"): text for key, text in files.items()}, message
        )

    minus = SUM + "\n\ndef sub(a, b):\n    return a - b\n"
    then("good", "feat: sub", calc_py=minus)
    then("broke", "perf: a quicker add", calc_py=minus.replace("a + b", "a - b"))
    then("fix", "fix: add adds again", calc_py=minus)
    tested = (
        TESTS.replace("import add\n", "import add, sub\n")
        + "\n\ndef test_sub():\n    assert sub(3, 1) == 2\n"
    )
    then("tested", "test: sub", test_calc_py=tested)
    product = minus + "\n\ndef mul(a, b):\n    return a * b * 1\n"
    then("unseen", "feat: mul", calc_py=product)
    then(
        "reverted",
        f'Revert "feat: mul"\n\nThis reverts commit {made["unseen"]}.\n',
        calc_py=minus,
    )
    renamed = minus.replace("def add", "def plus")
    then(
        "both",
        "refactor: add is plus",
        calc_py=renamed,
        test_calc_py=tested.replace("add", "plus"),
    )
    return made
