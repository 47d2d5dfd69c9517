"""What a target tells its own linters counts, wherever and however it says so."""

import pytest

from shared.detectors.linters import read_choices
from shared.detectors.linters.choices import CodeChoice, fits
from tests.support.trees import FakeTree


def off(path, *codes, **files):
    """Those of these codes that are off for a file, given configuration files by name."""
    choices = read_choices(FakeTree(files))
    return {code for code in codes if choices.turn_off(path, code)}


@pytest.mark.parametrize(
    ("code", "beginning", "stands"),
    [
        ("F401", "F", True),
        ("F401", "F4", True),
        ("FURB105", "F", False),
        ("SIM102", "S", False),
        ("C401", "C4", True),
        ("C408", "C401", False),
        ("PLR1714", "PL", True),
        ("PLR1714", "PLR", True),
        ("PLR1714", "P", False),
        ("RUF010", "ALL", True),
        ("F401", "f401", False),
        ("F401", "unused-import", False),
    ],
)
def test_a_beginning_stands_for_codes_of_its_linter_only(code, beginning, stands):
    assert fits(code, [beginning]) is stands


@pytest.mark.parametrize(
    ("on", "off", "answer"),
    [
        ((), (), None),
        (("F",), (), True),
        (("F",), ("F401",), False),
        (("F401",), ("F",), True),
        (("F401",), ("F401",), False),
        (("ALL",), ("F",), False),
        (("E",), ("W",), None),
    ],
)
def test_of_two_beginnings_the_longer_counts(on, off, answer):
    assert CodeChoice(on, off).answer("F401") is answer


FLAKE8 = """[flake8]
max-line-length = 100
ignore = E731,
    C408  # we like the words
extend-ignore = RET
extend-select = RET505
exclude = docs,build/*,*_pb2.py
per-file-ignores =
    lib/compat.py: F401
    tests/*:E711,E712
    ./a.py,b.py:F841
"""


@pytest.mark.parametrize("name", ["setup.cfg", "tox.ini", ".flake8"])
def test_flake8_is_read_from_each_of_its_files(name):
    codes = ("E731", "C408", "RET504", "RET505", "F401", "UP032")
    assert off("lib/m.py", *codes, **{name: FLAKE8}) == {"E731", "C408", "RET504"}
    assert off("lib/compat.py", "F401", "F841", **{name: FLAKE8}) == {"F401"}
    assert off("tests/deep/t.py", "E711", "E713", **{name: FLAKE8}) == {"E711"}
    assert (
        off("a.py", "F841", **{name: FLAKE8}) == off("b.py", "F841", **{name: FLAKE8}) == {"F841"}
    )


def test_what_flake8_does_not_read_is_not_proposed_by_its_rules():
    for path in ("docs/conf.py", "a/docs/b/c.py", "build/x/y.py", "svc/api_pb2.py"):
        assert off(path, "F401", "SIM102", "UP032", **{"setup.cfg": FLAKE8}) == {"F401", "SIM102"}


def test_the_first_file_with_a_section_counts_and_pyproject_last():
    files = {
        "setup.cfg": "[metadata]\nname = x\n",
        "tox.ini": "[flake8]\nignore = F401\n",
        ".flake8": "[flake8]\nignore = F841\n",
        "pyproject.toml": '[tool.flake8]\nignore = ["E711"]\n',
    }
    assert off("m.py", "F401", "F841", "E711", **files) == {"F401"}
    del files["tox.ini"], files[".flake8"]
    assert off("m.py", "F401", "E711", **files) == {"E711"}
    in_toml = '[tool.flake8]\nper-file-ignores = ["a.py:F401", "b.py:F841,E711"]\n'
    assert off("b.py", "F401", "F841", "E711", **{"pyproject.toml": in_toml}) == {"F841", "E711"}


def test_the_nearest_folder_counts():
    files = {".flake8": "[flake8]\nignore = F401\n", "sub/.flake8": "[flake8]\nignore = F841\n"}
    assert off("m.py", "F401", "F841", **files) == {"F401"}
    assert off("sub/deep/m.py", "F401", "F841", **files) == {"F841"}


PYLINT_INI = """[MESSAGES CONTROL]
disable=unused-import,
        R1705,
        C
[MASTER]
ignore=compat.py,legacy
ignore-patterns=.*_pb2\\.py$
ignore-paths=^docs/.*$
"""
PYLINT_TOML = """[tool.pylint."messages control"]
disable = ["unused-import", "R1705", "C"]
[tool.pylint.main]
ignore = "compat.py,legacy"
ignore-patterns = ['.*_pb2\\.py$']
ignore-paths = ['^docs/.*$']
"""
PYLINT_FILES = [
    ("pylintrc", PYLINT_INI),
    (".pylintrc", PYLINT_INI),
    ("setup.cfg", PYLINT_INI.replace("[", "[pylint.")),
    ("tox.ini", PYLINT_INI.replace("[", "[pylint.")),
    ("pyproject.toml", PYLINT_TOML),
    (".pylintrc.toml", PYLINT_TOML),
]


@pytest.mark.parametrize(("name", "text"), PYLINT_FILES)
def test_pylint_is_read_from_each_of_its_files_by_names_ids_and_categories(name, text):
    codes = ("F401", "RET505", "E711", "RET506", "F841", "SIM102")
    assert off("m.py", *codes, **{name: text}) == {"F401", "RET505", "E711"}
    for path in ("a/compat.py", "legacy/m.py", "x/y_pb2.py", "docs/conf.py"):
        assert off(path, "F841", "SIM102", **{name: text}) == {"F841"}


def test_all_is_off_but_what_is_on():
    text = "[MESSAGES CONTROL]\ndisable=all\nenable=unused-import\n"
    assert off("m.py", "F401", "F841", "SIM102", **{".pylintrc": text}) == {"F841"}


@pytest.mark.parametrize(
    ("name", "text", "linter"),
    [
        ("setup.cfg", "[flake8]\nignore = F401\nignore = E1\n", "flake8"),
        ("tox.ini", "[tox]\n[flake8\n", "flake8"),
        ("pyproject.toml", "[tool.flake8]\nignore = [\n", "flake8"),
        (".pylintrc", "disable = all\n", "pylint"),
        (".pylintrc", "[MAIN]\nignore-paths = (a|b)+$\n", "pylint"),
        ("pyproject.toml", "[tool.pylint.main]\nx = [\n", "pylint"),
    ],
)
def test_nothing_of_a_linter_is_proposed_whose_configuration_cannot_be_read(name, text, linter):
    choices = read_choices(FakeTree({name: text}))
    assert choices.turn_off("m.py", "F401")
    assert not choices.turn_off("m.py", "UP004") or linter == "pylint"
    assert not choices.turn_off("m.py", "FURB105")
    assert len(choices.notes) == 1
    assert choices.notes[0].startswith(f"The configuration of {linter} cannot be read")
    assert name in choices.notes[0]


def test_a_file_of_other_tools_that_cannot_be_read_says_nothing():
    files = {"setup.cfg": "[metadata\n", "tox.ini": "a\n", "pyproject.toml": "[tool.black\n"}
    choices = read_choices(FakeTree(files))
    assert not choices.turn_off("m.py", "F401")
    assert choices.notes == ()
