"""Recorded output of pytest-benchmark 5.3, hyperfine 1.15 and asv 0.6.6; lines; and bad output."""

import json
from pathlib import Path

import pytest

from services.validator.benchmarks.adapters import measurements as limits
from services.validator.benchmarks.adapters.detection import CommandOutput, read
from services.validator.benchmarks.adapters.measurements import UnreadableOutputError
from services.validator.benchmarks.domain.measurements import BenchmarkUnit, Measurement

RECORDED = Path(__file__).parent / "recorded"
EXPECTED = {
    "pytest-benchmark": {
        "test_speed.py::test_parse": 8.091999916359783e-07,
        "test_speed.py::test_join[10]": 9.324000075139338e-07,
        "test_speed.py::test_join[100]": 1.1026000038327766e-05,
    },
    "hyperfine": {
        "sleep 0.01 [n=1]": 0.010822242000000001,
        "true [n=1]": 0.00050962,
        "sleep 0.02 [n=2]": 0.020809928000000002,
        "true [n=2]": 0.0005023,
    },
    "asv": {
        "speed.Suite.peakmem_list[10]": 24616960.0,
        "speed.Suite.peakmem_list[100]": 24616960.0,
        "speed.Suite.time_join[10]": 3.716000037456979e-06,
        "speed.Suite.time_join[100]": 9.785000202100491e-06,
        "speed.time_sum": 9.763999969436554e-06,
    },
}
TOOLS = sorted(EXPECTED)


def recorded(name):
    return (RECORDED / f"{name}.json").read_bytes()


def a_file(body, format_="auto"):
    return read(
        CommandOutput("", body if isinstance(body, bytes) else json.dumps(body).encode()), format_
    )


def printed(text, format_="auto"):
    return read(CommandOutput(text, None), format_)


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("by_name", [True, False])
def test_each_tool_is_read_by_its_name_and_known_without_it(tool, by_name):
    found = a_file(recorded(tool), tool if by_name else "auto")
    assert {name: each.value for name, each in found.items()} == EXPECTED[tool]


def test_times_are_in_seconds_and_memory_in_bytes():
    found = a_file(recorded("asv"))
    units = {name: each.unit for name, each in found.items()}
    assert units["speed.time_sum"] is BenchmarkUnit.SECONDS
    assert units["speed.Suite.peakmem_list[10]"] is BenchmarkUnit.BYTES


@pytest.mark.parametrize("tool", TOOLS)
def test_json_may_be_printed_as_well(tool):
    text = recorded(tool).decode()
    assert printed(text) == printed(text, tool) == a_file(recorded(tool))


@pytest.mark.parametrize("tool", TOOLS)
def test_the_json_of_another_tool_is_refused_by_name(tool):
    other = TOOLS[TOOLS.index(tool) - 1]
    with pytest.raises(UnreadableOutputError, match=f"JSON of {tool} has no"):
        a_file(recorded(other), tool)


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("body", [[], {}, 3, {"benchmarks": 1, "results": 1}])
def test_json_of_no_tool_is_refused(tool, body):
    with pytest.raises(UnreadableOutputError, match="has no"):
        a_file(body, tool)


@pytest.mark.parametrize(
    ("tool", "body"),
    [
        ("pytest-benchmark", {"benchmarks": [{"fullname": "a"}]}),
        ("pytest-benchmark", {"benchmarks": [3]}),
        ("hyperfine", {"results": [{"command": "a"}]}),
        ("hyperfine", {"results": [{"command": "a", "median": 1, "parameters": [3]}]}),
        ("asv", {"result_columns": ["params"], "results": {"time_x": [[1], []]}}),
        ("asv", {"result_columns": ["result", "params"], "results": {"time_x": [[1]]}}),
        ("asv", {"result_columns": ["result", "params"], "results": {"time_x": [1, []]}}),
        ("asv", {"result_columns": 3, "results": []}),
    ],
)
def test_damaged_json_is_refused(tool, body):
    with pytest.raises(UnreadableOutputError, match=f"JSON of {tool} is damaged"):
        a_file(body, tool)


@pytest.mark.parametrize("text", [b"{", b"[" * 100_000, b"\xff\xfe", b""])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(UnreadableOutputError, match="JSON of hyperfine is none"):
        a_file(text, "hyperfine")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (0, "above 0"),
        (-1, "above 0"),
        (float("inf"), "above 0"),
        (float("nan"), "above 0"),
        (10**400, "above 0"),
        ("fast", "no number"),
        (True, "no number"),
        (None, "no number"),
    ],
)
def test_a_value_that_cannot_be_compared_is_refused_with_its_name(value, reason):
    body = {"results": [{"command": "mine", "median": value}]}
    with pytest.raises(UnreadableOutputError, match=f"mine has .*{reason}"):
        a_file(body, "hyperfine")


def test_what_asv_could_not_measure_has_no_value():
    body = json.loads(recorded("asv"))
    body["results"]["speed.time_sum"][0] = None
    body["results"]["speed.Suite.time_join"][0] = [None, float("nan")]
    assert set(a_file(body)) == {
        "speed.Suite.peakmem_list[10]",
        "speed.Suite.peakmem_list[100]",
    }


def test_too_much_is_refused_before_it_is_parsed(monkeypatch):
    monkeypatch.setattr(limits, "MAX_JSON_BYTES", 10)
    with pytest.raises(UnreadableOutputError, match="more than"):
        a_file(recorded("hyperfine"))


def test_too_many_benchmarks_are_refused():
    lines = "\n".join(f"b{number} 1 ms" for number in range(limits.MAX_BENCHMARKS + 1))
    with pytest.raises(UnreadableOutputError, match="more than 1000 benchmarks"):
        printed(lines)


def test_unknown_json_is_refused_with_what_is_known():
    with pytest.raises(UnreadableOutputError, match="pytest-benchmark, asv, hyperfine"):
        a_file({"speed": 3})


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("ns", Measurement(2.5e-9, BenchmarkUnit.SECONDS)),
        ("us", Measurement(2.5e-6, BenchmarkUnit.SECONDS)),
        ("µs", Measurement(2.5e-6, BenchmarkUnit.SECONDS)),
        ("μs", Measurement(2.5e-6, BenchmarkUnit.SECONDS)),
        ("ms", Measurement(2.5e-3, BenchmarkUnit.SECONDS)),
        ("s", Measurement(2.5, BenchmarkUnit.SECONDS)),
        ("B", Measurement(2.5, BenchmarkUnit.BYTES)),
        ("KB", Measurement(2500, BenchmarkUnit.BYTES)),
        ("MB", Measurement(2.5e6, BenchmarkUnit.BYTES)),
        ("ops/s", Measurement(2.5, BenchmarkUnit.RATE)),
    ],
)
def test_a_line_is_name_value_and_unit(unit, expected):
    found = printed(f"load the page: 2.5 {unit}\n", "lines")["load the page"]
    assert found.unit is expected.unit
    assert found.value == pytest.approx(expected.value)


def test_lines_are_found_among_others_and_in_a_file():
    text = "starting …\n a  1e3 ops/s \nb 3 parsecs\n\nc x ms\n3 ms\nd 1_0 ms\n"
    assert printed(text) == {"a": Measurement(1000.0, BenchmarkUnit.RATE)}
    assert a_file(text.encode(), "lines") == printed(text)
    assert read(CommandOutput("z 1 ms", text.encode()), "auto") == printed(text)


def test_of_several_lines_with_one_name_the_median_counts():
    assert printed("a 1 ms\na 9 ms\na 2 ms\n")["a"].value == pytest.approx(0.002)


def test_one_name_in_two_units_is_refused():
    with pytest.raises(UnreadableOutputError, match="a has values in different units"):
        printed("a 1 ms\na 1 MB\n")


@pytest.mark.parametrize("format_", ["auto", "lines"])
def test_output_without_a_line_is_refused(format_):
    with pytest.raises(UnreadableOutputError, match="named no benchmark"):
        printed("all good\n", format_)


def test_a_zero_is_refused_as_nothing_can_be_compared_with_it():
    with pytest.raises(
        UnreadableOutputError, match=r"load has the value 0\.0; it has to be above 0"
    ):
        printed("load 0 ms\n")


@pytest.mark.parametrize("tool", TOOLS)
def test_without_a_file_it_is_said_where_one_is_expected(tool):
    with pytest.raises(UnreadableOutputError, match="GROUNDSWELL_BENCH_OUT"):
        printed("done\n", tool)
