"""What cannot be read skips itself only, and health counts what was found."""

import pytest

from services.agents.types.architecture.health import measure_architecture
from shared.detectors.imports.facts import MAX_FILE_BYTES, read_facts
from shared.detectors.imports.graph import components, reachable, read_graph, shortest_path
from tests.support.architecture import a_source, findings, proposals
from tests.support.trees import FakeTree

CYCLE = {
    "shop/__init__.py": "from . import a\n",
    "shop/a.py": "from shop.b import B\n\nclass A(B): ...\n\nC = B\n",
    "shop/b.py": "from shop.a import C\n\nclass B: ...\n\nD = C\n",
}
DEEP = "x = " + "-" * 100_000 + "1\n"


def rules(files):
    return sorted((e.rule.partition(":")[2], e.path) for e in findings(a_source(files)))


@pytest.mark.parametrize(
    "text",
    [
        "def f(:\n",
        DEEP,
        "x = '" + "x" * MAX_FILE_BYTES + "'\n",
        "x = 1\0\n",
        "\ufeffimport shop.a\n",
        "",
    ],
)
def test_a_file_that_cannot_be_read_skips_itself_only(text):
    files = {**CYCLE, "shop/odd.py": text, "pyproject.toml": "[project\n"}
    assert {("cycle", "shop/a.py"), ("cycle", "shop/b.py")} <= set(rules(files))
    assert proposals(a_source(files))


def test_what_is_no_utf_8_skips_itself_only():
    class Bytes(FakeTree):
        def read(self, path):
            return b"x = '\xff'\n" if path == "shop/odd.py" else super().read(path)

    assert "shop/odd.py" not in read_graph(Bytes({**CYCLE, "shop/odd.py": ""})).facts


def test_line_ends_of_a_file_are_kept():
    windows = {path: text.replace("\n", "\r\n") for path, text in TYPED.items()}
    [made] = [e for e in proposals(a_source(windows)) if e.changes]
    for before, after in made.changes.values():
        assert after.count("\r\n") == after.count("\n")
        assert before != after


TYPED = {
    "shop/__init__.py": "from . import a, b\n",
    "shop/a.py": "from __future__ import annotations\nfrom shop.b import B\n\n\ndef f(b: B): ...\n",
    "shop/b.py": "from shop.a import f\n\n\nclass B: ...\n\n\ng = f\n",
}


def test_a_file_is_not_given_a_block_for_types_twice():
    [made] = [e for e in proposals(a_source(TYPED)) if e.changes]
    assert made.changes["shop/a.py"][1].count("TYPE_CHECKING") == 2


def test_health_counts_modules_in_cycles_and_imports_against_layers():
    found = findings(a_source(CYCLE))
    reading = measure_architecture(found, 1000)
    assert reading.metrics["modules_in_cycles"] == 2
    assert reading.metrics["imports_against_layers"] == 0
    assert reading.score < measure_architecture([], 1000).score


GRAPH = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": {"d"}, "f": {"a"}, "g": {"g"}}


def test_components_are_the_sets_that_reach_each_other():
    assert sorted(map(sorted, components(GRAPH))) == [["a", "b", "c"], ["d", "e"]]
    for part in components(GRAPH):
        assert all(part <= reachable(GRAPH, each) for each in part)


def test_a_long_chain_is_no_recursion():
    chain = {str(n): {str(n + 1)} for n in range(20_000)}
    assert components(chain) == []
    assert len(shortest_path(chain, "0", "20000")) == 20_001


def test_facts_of_a_file_that_is_too_large_are_none():
    assert read_facts(b"#" * (MAX_FILE_BYTES + 1)) is None
