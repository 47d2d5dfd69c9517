"""Odd files, what people told linters, and secrets: nothing is broken, and nothing is told."""

import ast

import pytest

from services.agents.types.security import SPEC
from tests.unit.agents.security.support import a_source, findings, fixed, proposals

LOAD = "import yaml\n\nx = yaml.load(y)\n"
SAFE = "import yaml\n\nx = yaml.safe_load(y)\n"


def codes(found):
    return {each.code for each in found}


@pytest.mark.parametrize(
    "text",
    [
        "import yaml\nyaml.load(x\n",
        "import yaml\nyaml.load(x)\ny = " + "-" * 3000 + "1\n",
        "import yaml\nyaml.load(x)\ny = " + "f(" * 150 + ")" * 150 + "\n",
        "import yaml\nyaml.load(" + "-" * 900 + "1)\n",
        "import yaml\nyaml.load(x)\ny = a" + ".b" * 3000 + "\n",
        "import yaml\n" + "x = 'a'\n" * 150_000 + "yaml.load(x)\n",
        "\ufeffimport yaml\nyaml.load(x)\n",
        "",
        "\x0c\n",
    ],
)
def test_a_file_that_cannot_be_understood_is_left_alone_and_the_others_are_fixed(tmp_path, text):
    source = a_source(text, "m/odd.py", **{"m/__init__.py": "", "m/n.py": LOAD})
    findings(tmp_path, source)
    made = proposals(tmp_path, source)
    texts = {path: after for each in made for path, (_, after) in each.changes.items()}
    assert texts["m/n.py"] == SAFE
    for after in texts.values():
        ast.parse(after)


def test_line_ends_tabs_and_letters_outside_of_ascii_survive(tmp_path):
    text = (
        "import tempfile\r\n\r\n\r\ndef f(é):\r\n\tünï = tempfile.mktemp('ß')\r\n"
        "\twith open(ünï, 'w') as f:\r\n\t\tf.write('é'); x = eval('[1]')\r\n"
    )
    assert fixed(tmp_path, a_source(text)) == (
        "import ast\r\nimport tempfile\r\n\r\n\r\ndef f(é):\r\n"
        "\twith tempfile.NamedTemporaryFile(suffix='ß', delete=False) as file:\r\n"
        "\t\tünï = file.name\r\n"
        "\twith open(ünï, 'w') as f:\r\n\t\tf.write('é'); x = ast.literal_eval('[1]')\r\n"
    )


def test_two_findings_on_one_line_are_both_fixed(tmp_path):
    text = "import yaml\n\na, b = yaml.load(yaml.load(c)), yaml.load(d)\n"
    assert fixed(tmp_path, a_source(text)) == text.replace("load(", "safe_load(")


def test_no_proposal_is_made_twice(tmp_path):
    once = fixed(tmp_path, a_source(LOAD))
    assert once == SAFE
    assert proposals(tmp_path, a_source(once)) == []


@pytest.mark.parametrize(
    "remark",
    ["# noqa", "# noqa: S506", "# nosec", "# nosec B506", "# nosec: B101, B506 - ours"],
)
def test_a_remark_that_accepts_it_is_heard(tmp_path, remark):
    assert findings(tmp_path, a_source(f"import yaml\n\nx = yaml.load(y)  {remark}\n")) == ()


@pytest.mark.parametrize("remark", ["# noqa: S101", "# nosec B101", "# no security"])
def test_a_remark_about_something_else_is_not(tmp_path, remark):
    found = findings(tmp_path, a_source(f"import yaml\n\nx = yaml.load(y)  {remark}\n"))
    assert codes(found) == {"S506"}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".bandit", "[bandit]\nskips = B506\n"),
        (".bandit", "[bandit]\nexclude = ./m.py\n"),
        ("ruff.toml", "lint.ignore = ['S506']\n"),
        ("ruff.toml", "lint.per-file-ignores = {'m.py' = ['S']}\n"),
    ],
)
def test_what_a_target_configures_is_heard(tmp_path, path, content):
    assert findings(tmp_path, a_source(LOAD, **{path: content})) == ()


@pytest.mark.parametrize("section", [{"ignore": ["S506"]}, {"select": ["S1"]}])
def test_rules_are_chosen_by_the_beginnings_of_their_codes(tmp_path, section):
    assert findings(tmp_path, a_source(LOAD, section=section)) == ()


def test_bandits_section_in_pyproject_is_heard(tmp_path):
    project = '[project]\nname = "m"\n[tool.bandit]\nskips = ["B506"]\nexclude_dirs = ["old"]\n'
    text = "import pickle\n\nx = pickle.loads(y)\n"
    source = a_source(LOAD, **{"pyproject.toml": project, "old/n.py": text, "new.py": text})
    assert {each.path for each in findings(tmp_path, source)} == {"new.py"}


def test_the_time_out_is_the_targets_own(tmp_path):
    text = "import requests\n\nrequests.get(x)\n"
    source = a_source(text, section={"request_timeout_seconds": 2.5})
    assert "timeout=2.5)" in fixed(tmp_path, source)


@pytest.mark.parametrize(
    ("python", "text"),
    [
        ("3.8", "import hashlib\n\netag = hashlib.md5(x)\n"),
        ("3.11", "import tarfile\n\ntarfile.open(x).extractall(y)\n"),
    ],
)
def test_what_an_older_python_lacks_is_advice_there(tmp_path, python, text):
    source = a_source(text, python=python)
    assert [each.fixable for each in findings(tmp_path, source)] == ["no"]
    assert proposals(tmp_path, source) == []


def test_a_python_that_filters_by_itself_needs_no_filter(tmp_path):
    text = "import tarfile\n\ntarfile.open(x).extractall(y)\n"
    assert findings(tmp_path, a_source(text, python="3.14")) == ()


def test_xml_is_of_no_concern_without_defusedxml(tmp_path):
    text = "import xml.etree.ElementTree as ET\n\nx = ET.parse(y)\n"
    project = '[project]\nname = "m"\nversion = "1"\n'
    assert findings(tmp_path, a_source(text, **{"pyproject.toml": project})) == ()
    needed = {"pyproject.toml": project, "requirements.txt": "DefusedXML>=0.7\n"}
    assert codes(findings(tmp_path, a_source(text, **needed))) == {"S314"}


VALUE = "planted-8d1f7a40c6"


@pytest.mark.parametrize(
    "text",
    [
        f'API_SECRET = "{VALUE}"\n',
        f"def f(password='{VALUE}'): ...\n",
        f'f(password="{VALUE}")\n',
        f'if password == "{VALUE}":\n    x = 1\n',
        f'x["password"] = "{VALUE}"\n',
        f'password = """{VALUE}\n"""\n',
    ],
)
def test_the_value_of_a_secret_is_in_nothing_that_is_told(tmp_path, text):
    found = findings(tmp_path, a_source(text))
    assert found
    assert all(VALUE not in each.model_dump_json() for each in found)
    other = findings(tmp_path, a_source(text.replace(VALUE, "planted-3b9c2e71a5")))
    assert [each.fingerprint for each in found] == [each.fingerprint for each in other]


def test_secrets_in_several_files_are_told_apart(tmp_path):
    line = f'API_SECRET = "{VALUE}"\n'
    source = a_source(line, "m/a.py", **{"m/b.py": f"x = 1\n\n\n{line}{line}"})
    found = findings(tmp_path, source)
    assert [(each.path, each.line) for each in found] == [
        ("m/a.py", 1),
        ("m/b.py", 4),
        ("m/b.py", 5),
    ]
    assert len({each.fingerprint for each in found}) == 3


def test_a_fix_says_what_it_may_change_and_what_for(tmp_path):
    [made] = proposals(tmp_path, a_source(LOAD))
    assert made.title == "fix(m): load YAML without making arbitrary objects (S506)"
    assert "It may change what becomes of tags that name Python objects" in made.rationale
    assert not made.safe


def test_a_fix_that_is_shown_to_keep_behaviour_is_proposed_as_such(tmp_path):
    text = "import hashlib\n\netag = hashlib.md5(x)\n"
    [made] = proposals(tmp_path, a_source(text))
    assert made.safe
    assert made.conditions == ("digests.says-what-it-is-for",)


def test_every_rule_declares_what_it_may_change():
    for each in SPEC.fixers:
        assert each.declaration.behaviour.may_change
        assert each.why()
