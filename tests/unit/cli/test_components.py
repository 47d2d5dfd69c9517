"""`groundswell components` shows who owns what, how much it is, and what nobody owns."""

import json

import pytest

from cli.components import show_components
from cli.text import out
from shared.kernel.errors import Rejected
from tests.support.repositories import a_repository

CONFIG = """
[[component]]
name = "all"
paths = ["/src/"]
owners = ["@ann", "@bob"]

[[component]]
name = "pay"
paths = ["/src/pay/"]
agent_types = ["code_quality"]
approval = "required"
"""


@pytest.fixture
def place(tmp_path):
    files = {
        "src/a.py": "x = 1\ny = 2\n",
        "src/pay/b.py": "z = 3\n",
        "src/pay/tests/test_b.py": "z = 3\n",
        "other.py": "\n",
        "groundswell.toml": CONFIG,
    }
    return str(a_repository(tmp_path / "target", **files))


def test_for_people_it_is_a_table_with_what_overlaps_and_what_is_unowned(
    place, capsys, monkeypatch
):
    monkeypatch.setattr(out, "width", 120)
    assert show_components(place, as_json=False) == 0
    assert [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()] == [
        "component owner paths source files lines agents",
        "all @ann, @bob /src/ groundswell.toml 1 2 all",
        "pay - /src/pay/ groundswell.toml 1 1 code_quality, with approval",
        "overlap: all also covers files that belong to pay",
        "unowned: 1 source file, which no agent looks at",
        "other.py",
    ]


def test_for_programs_it_is_json(place, capsys):
    assert show_components(place, as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    whole, pay = found["components"]
    assert (whole["files"], whole["lines"], whole["overlaps"]) == (1, 2, ["pay"])
    assert (pay["agent_types"], pay["approval"]) == (["code_quality"], "required")
    assert found["unowned"] == ["other.py"]


def test_a_url_is_refused():
    with pytest.raises(Rejected, match="is a url"):
        show_components("https://example.org/x.git", as_json=False)


def test_many_unowned_files_are_not_listed_without_end(tmp_path, capsys):
    files = {f"m{n}.py": "" for n in range(13)}
    config = '[[component]]\nname = "m0"\npaths = ["/m0.py"]\n'
    show_components(
        str(a_repository(tmp_path / "t", **files, groundswell_toml=config)), as_json=False
    )
    printed = capsys.readouterr().out
    assert "unowned: 12 source files" in printed
    assert printed.endswith("and 2 more\n")
