"""What other tools report becomes findings: at its line wherever that moved, or left out."""

import json

import pytest

from shared.contracts.base import Severity
from shared.contracts.documents.findings import ReportedFinding
from shared.detectors.ports import DetectorResources, PrintedOutput, Source
from shared.detectors.sarif.command import SarifCommandDetector
from shared.detectors.sarif.imported import ImportedFindingsDetector
from shared.detectors.sarif.placing import place_findings, with_lines
from shared.kernel.errors import ToolFailed
from shared.targets.profile import profile_target
from tests.support.trees import FakeTree

TEXT = "a = 1\nb = 2\nb = 2\nc = 3\n"


def a_source(text=TEXT, **more):
    tree = FakeTree({"m/__init__.py": "", "m/a.py": text, **more})
    return Source(tree, profile_target(tree), "t")


def reported(line=2, path="m/a.py", **fields):
    given = {"tool": "lint", "code": "R1", "severity": Severity.WARNING, "message": "Bad."}
    return ReportedFinding(**{**given, "path": path, "line": line, **fields})


def test_it_is_a_finding_to_advise_on():
    [found], notes = place_findings([reported(end_line=3)], a_source(), imported=True)
    assert (found.rule, found.tool, found.component) == ("lint:R1", "lint", "m")
    assert (found.line, found.end_line) == (2, 3)
    assert (found.fixable, found.advice, found.imported) == ("no", True, True)
    assert notes == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# new\n" + TEXT, 5),
        ("c  =  3  \n", 1),
        ("c = 3\n" + "x = 0\n" * 4 + "c = 3\n", 6),
        (TEXT.replace("c = 3", "c = 4"), None),
        ("", None),
    ],
)
def test_it_is_found_again_by_the_text_of_its_line(text, line):
    known = with_lines([reported(line=4)], a_source())
    found, notes = place_findings(known, a_source(text))
    assert [each.line for each in found] == ([line] if line else [])
    assert notes == ([] if line else ["1 result is left out: the line is not there any more."])


def test_a_fingerprint_survives_moved_lines_and_tells_equal_lines_apart():
    known = with_lines([reported(line=2), reported(line=4, code="R2")], a_source())
    first, _ = place_findings(known, a_source())
    then, _ = place_findings(known, a_source("# new\n" + TEXT))
    assert [each.fingerprint for each in first] == [each.fingerprint for each in then]
    assert len({each.fingerprint for each in first}) == 2


def test_what_agents_leave_alone_is_left_out_and_counted():
    paths = ("m/none.py", "tests/test_a.py", "vendor/x.py", "m/gen.py")
    source = a_source(**dict.fromkeys(paths[1:], "# @generated\nx = 1\n"))
    found, notes = place_findings([reported(line=1, path=p) for p in paths], source)
    assert found == []
    assert notes == [
        "4 results are left out: no component owns the file, or agents leave it alone."
    ]


def test_a_line_past_the_end_of_the_file_is_left_out():
    assert place_findings([reported(line=99)], a_source())[0] == []


class FakeCommands:
    def __init__(self, **printed):
        self.printed, self.ran = printed, []

    async def capture(self, source, command):
        self.ran.append(command)
        return PrintedOutput(self.printed[command], "it broke", "/sandbox/tree", 1)


def a_log(*uris):
    results = [
        {
            "ruleId": "R1",
            "message": {"text": "Bad."},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}}}],
        }
        for uri in uris
    ]
    runs = [{"tool": {"driver": {"name": "Lint"}}, "results": results}]
    return json.dumps({"version": "2.1.0", "runs": runs}).encode()


def a_detector(*commands, **printed):
    resources = DetectorResources(None, FakeCommands(**printed))
    return SarifCommandDetector(resources, lambda _: commands)


async def test_what_commands_print_is_found_whatever_their_exit_code():
    detector = a_detector(
        "one", "two", one=a_log("m/a.py"), two=a_log("/sandbox/tree/m/a.py", "/x")
    )
    measured = await detector.measure(a_source())
    assert [(each.rule, each.path) for each in measured.findings] == [("lint:R1", "m/a.py")] * 2
    assert measured.notes == ("`two`: 1 result is left out: at no file of the repository.",)
    assert (await detector.measure(a_source(), ["m/__init__.py"])).findings == ()


async def test_a_command_that_prints_something_else_fails_with_what_it_said():
    with pytest.raises(
        ToolFailed, match=r"`one` printed no SARIF 2.1.0 log \(exit code 1\): it broke"
    ):
        await a_detector("one", one=b"<xml/>").measure(a_source())


async def test_nothing_is_run_where_nothing_may_be():
    detector = SarifCommandDetector(DetectorResources(None), lambda _: ("one",))
    assert (await detector.measure(a_source())).findings == ()
    assert detector.runs_target_code


class FakeLogs:
    def __init__(self, *found):
        self.found = found

    async def reported(self, target_id):
        return self.found if target_id == "t" else ()

    async def edition(self, target_id):
        return f"{target_id}-1"


async def test_what_is_imported_is_found_where_there_are_imports():
    detector = ImportedFindingsDetector(DetectorResources(None, imports=FakeLogs(reported())))
    assert len((await detector.measure(a_source())).findings) == 1
    assert await detector.edition("t") == "t-1"
    alone = ImportedFindingsDetector(DetectorResources(None))
    assert (await alone.measure(a_source())).findings == ()
    assert await alone.edition("t") == ""
