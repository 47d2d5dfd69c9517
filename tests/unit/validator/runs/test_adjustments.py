"""What keeps a suite from running, read from what pytest printed."""

import pytest

from services.validator.runs.domain.adjustments import (
    broken_plugin,
    command_error,
    error_text,
    first_error,
    names_unknown_setting,
    passed_tests,
    unknown_options,
    with_unknown_settings,
    without_options,
    without_plugin,
)
from services.validator.suite.domain.reports import Outcome, TestReport, TestResult
from shared.environments.ports import PytestPlugin

FLAKE8 = PytestPlugin("pytest_flake8", "flake8", "pytest_flake8")
COV = PytestPlugin("pytest_cov", "pytest_cov", "pytest_cov.plugin")


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            (
                "pluggy._manager.PluginValidationError: Plugin 'flake8' for hook "
                "'pytest_collect_file'\nhook definition: pytest_collect_file(file_path, parent)"
            ),
            FLAKE8,
        ),
        (
            (
                'File "/e/lib/python3.11/site-packages/pluggy/_manager.py", line 1\n'
                'File "/e/lib/python3.11/site-packages/pytest_flake8.py", line 12, in <module>\n'
                "ImportError: cannot import name 'x'"
            ),
            FLAKE8,
        ),
        ('File "/e/lib/python3.11/site-packages/pytest_cov/plugin.py", line 1\nValueError', COV),
        ("ERROR: usage", None),
    ],
)
def test_the_plugin_that_keeps_pytest_from_starting_is_found(
    output: str, expected: PytestPlugin | None
):
    assert broken_plugin(output, (COV, FLAKE8)) == expected


def test_a_plugin_is_disabled_by_its_name():
    assert without_plugin(("python", "-m", "pytest"), FLAKE8)[-2:] == ("-p", "no:flake8")


def test_options_of_a_plugin_that_is_missing_are_left_out():
    output = "python -m pytest: error: unrecognized arguments: --flake8 tests\n  inifile: x"
    options = unknown_options(output, "-ra --flake8 --strict-markers")
    assert options == ("--flake8",)
    assert without_options(("pytest",), "-ra --flake8 --strict-markers", options) == (
        "pytest",
        "-o",
        "addopts=-ra --strict-markers",
    )


def test_strict_configuration_gives_way_where_a_plugins_setting_is_unknown():
    output = "ERROR: Unknown config option: flake8-max-line-length\n"
    assert unknown_options(output, "-ra --strict-config") == ("--strict-config",)
    assert unknown_options(output, "-ra") == ()


def test_a_strict_setting_gives_way_once():
    assert names_unknown_setting("ERROR: Unknown config option: flake8-max-line-length\n")
    assert not names_unknown_setting("ERROR: usage")
    permitting = with_unknown_settings(("pytest",))
    assert permitting == ("pytest", "-o", "strict_config=false")
    assert with_unknown_settings(permitting) == permitting


def a_report(**outcomes: Outcome) -> TestReport:
    return TestReport({name: TestResult(name, each) for name, each in outcomes.items()})


def test_the_first_error_is_that_of_a_file_that_cannot_be_imported():
    results = {
        "a.py::test_a": Outcome.FAILED,
        "b.py": Outcome.ERROR,
        "c.py::test_c": Outcome.PASSED,
    }
    found = first_error(a_report(**results))
    assert found is not None
    assert found.id == "b.py"
    assert first_error(a_report(**{"c.py::t": Outcome.PASSED})) is None


def test_the_error_itself_is_quoted():
    detail = "test_x.py:1: in <module>\nE   ModuleNotFoundError: No module named 'a_driver'"
    assert error_text(detail) == "ModuleNotFoundError: No module named 'a_driver'"
    assert error_text("one\ntwo\n\nthree\nfour\n") == "two\nthree\nfour"


def test_a_command_of_which_only_the_exit_code_is_known_counts_as_the_whole_suite():
    assert passed_tests(a_report(**{"(command)": Outcome.PASSED}), 300, 20) == 300
    assert passed_tests(a_report(**{"(command)": Outcome.FAILED}), 300, 20) == 0
    assert (
        passed_tests(a_report(**{"a": Outcome.PASSED, "(command)": Outcome.PASSED}), 300, 20) == 2
    )


def test_why_a_suite_failed_as_a_whole_is_quoted():
    detail = (
        "It ended with 1:\nTOTAL 8 1 88%\n"
        "FAIL Required test coverage of 90% not reached. Total coverage: 87.50%\n"
        "===== 2 passed in 0.02s ====="
    )
    assert command_error(detail).startswith("FAIL Required test coverage of 90% not reached")
    assert command_error("It ended with 3:") == "It ended with 3:"
