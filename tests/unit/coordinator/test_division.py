"""Dividing components between agents: disjoint, complete, comparable, and only where it pays."""

from hypothesis import given
from hypothesis import strategies as st

from services.coordinator.domain.division import (
    MIN_FINDINGS_OF_PART,
    divide,
    parts_by_component,
    work_by_path,
)
from services.coordinator.domain.planning import admit, opportunities, plan
from shared.contracts.base import WaveSize
from shared.targets.components import Component
from shared.targets.paths import matches
from tests.support.builders import a_finding

ENOUGH = MIN_FINDINGS_OF_PART


def singles(work):
    return [(path,) for path in sorted(work)]


def files_of(parts):
    return [sorted(each.files) for each in parts]


class TestHowManyParts:
    def test_a_single_component_with_work_for_all_gets_a_part_for_each_agent(self):
        work = {"pkg": {f"pkg/{n}.py": ENOUGH for n in range(20)}}
        assert parts_by_component(work, WaveSize.SMALL.limit) == {"pkg": 5}
        assert parts_by_component(work, WaveSize.LARGE.limit) == {"pkg": 15}

    def test_little_work_is_one_task(self):
        work = {"pkg": {"pkg/a.py": ENOUGH, "pkg/b.py": ENOUGH - 1}}
        assert parts_by_component(work, 5) == {"pkg": 1}
        work["pkg"]["pkg/b.py"] += 1
        assert parts_by_component(work, 5) == {"pkg": 2}

    def test_there_are_no_more_parts_than_files_with_work(self):
        assert parts_by_component({"m": {"m.py": 10 * ENOUGH}}, 5) == {"m": 1}

    def test_the_component_with_the_most_work_is_divided_first(self):
        work = {
            "big": {f"big/{n}.py": 2 * ENOUGH for n in range(9)},
            "small": {f"small/{n}.py": ENOUGH for n in range(3)},
        }
        assert parts_by_component(work, 5) == {"big": 4, "small": 1}

    def test_as_many_components_as_agents_are_not_divided(self):
        work = {f"c{n}": {f"c{n}/{m}.py": 99 for m in range(9)} for n in range(5)}
        assert set(parts_by_component(work, 5).values()) == {1}


class TestParts:
    def test_they_have_comparable_work_in_the_order_of_paths(self):
        work = {"p/a.py": 30, "p/b.py": 10, "p/c.py": 10, "p/d.py": 10, "p/e.py": 30}
        parts = divide("p", singles(work), work, 3, ())
        assert files_of(parts) == [["p/a.py"], ["p/b.py", "p/c.py", "p/d.py"], ["p/e.py"]]
        assert [each.name for each in parts] == ["p/a.py", "p/b.py to p/d.py", "p/e.py"]
        assert parts[1].paths == ("/p/b.py", "/p/c.py", "/p/d.py")

    def test_a_subpackage_is_one_path(self):
        work = {"p/a.py": 20, "p/s/b.py": 10, "p/s/c.py": 10}
        parts = divide("p", singles(work), work, 2, ())
        assert [each.paths for each in parts] == [("/p/a.py",), ("/p/s/",)]

    def test_modules_that_import_each_other_stay_together(self):
        work = {"a.py": 10, "b.py": 10, "c.py": 10, "d.py": 10}
        parts = divide("p", [("a.py", "d.py"), ("b.py",), ("c.py",)], work, 2, ())
        assert files_of(parts) == [["a.py", "d.py"], ["b.py", "c.py"]]

    def test_a_cluster_with_too_much_work_for_one_is_taken_apart(self):
        work = {"a.py": 20, "b.py": 20, "c.py": 20}
        parts = divide("p", [("a.py", "b.py", "c.py")], work, 3, ())
        assert files_of(parts) == [["a.py"], ["b.py"], ["c.py"]]

    def test_files_without_work_go_with_their_neighbours(self):
        work = {"b.py": 20, "d.py": 20}
        parts = divide("p", singles(["a.py", "b.py", "c.py", "d.py", "e.py"]), work, 2, ())
        assert files_of(parts) == [["a.py", "b.py", "c.py"], ["d.py", "e.py"]]

    def test_a_whole_component_around_another_one_leaves_that_alone(self):
        [part] = divide("p", [("p/a.py", "p/b.py")], {"p/a.py": 1}, 1, ["p/other/c.py"])
        assert (part.name, part.paths) == ("", ("/p/a.py", "/p/b.py"))

    @given(
        st.dictionaries(
            st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(
                lambda folders: "/".join(folders) + ".py"
            ),
            st.integers(0, 40),
            min_size=1,
            max_size=25,
        ).filter(lambda work: any(work.values())),
        st.integers(1, 15),
        st.randoms(use_true_random=False),
    )
    def test_they_are_disjoint_complete_and_each_has_work(self, work, count, chance):
        files = sorted(work)
        marks = {path: chance.randrange(4) for path in files}
        clusters = [
            tuple(p for p in files if marks[p] == mark) for mark in sorted({*marks.values()})
        ]
        parts = divide("p", clusters, work, count, ())
        for path in files:
            assert sum(matches(path, each.paths) for each in parts) == 1
        assert 1 <= len(parts) <= count
        held = [each.files or frozenset(files) for each in parts]
        assert all(sum(work[path] for path in each) for each in held)
        assert parts == divide("p", clusters[::-1], work, count, ())


class TestPlans:
    def test_each_part_is_an_opportunity(self):
        findings = [
            a_finding(component="p", path=f"p/{name}.py") for name in "ab" for _ in range(ENOUGH)
        ]
        work = work_by_path(findings, ())
        parts = divide("p", singles(work["p"]), work["p"], 2, ())
        decided = plan(findings, foreclosed={}, size=WaveSize.SMALL, parts=parts)
        assert [(each.place, each.fixable) for each in decided.chosen] == [
            ("p (p/a.py)", ENOUGH),
            ("p (p/b.py)", ENOUGH),
        ]

    def test_what_is_foreclosed_or_cannot_be_fixed_is_no_work(self):
        findings = [a_finding(component="p"), a_finding(component="p", fixable="no")]
        assert work_by_path(findings, {findings[0].fingerprint}) == {}

    def test_a_place_that_is_left_to_several_types_is_named_once(self):
        findings = [
            a_finding(component=name, path=f"{name}.py", agent_type=kind)
            for name in ("a", "b", "c", "d")
            for kind in ("x", "y")
        ]
        [note] = plan(findings, foreclosed={}, size=WaveSize.SMALL).notes
        names = note.removeprefix("Left for a later wave: ").rstrip(".").split(", ")
        assert len(names) == len(set(names))

    def test_a_component_that_admits_other_types_is_left_alone_with_a_note(self):
        component = Component(name="p", paths=("/p/",), source="x", agent_types=("security",))
        findings = [a_finding(component="p"), a_finding(component="p", agent_type="security")]
        findings.append(a_finding(component="q"))
        admitted, notes = admit(findings, [component])
        assert admitted == findings[1:]
        [note] = notes
        assert note.startswith("1 finding of code_quality in p is left alone")
        assert note.endswith("groundswell.toml admits only security there.")
        assert len(opportunities(admitted, ())) == 2
