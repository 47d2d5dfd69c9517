"""What keeps a suite from running as its target's files say, read from what it printed."""

import re
import shlex
from collections.abc import Iterable, Sequence

from services.validator.suite.domain.reports import (
    COMMAND_RESULT_ID,
    Outcome,
    TestReport,
    TestResult,
)
from shared.environments.ports import PytestPlugin

BROKEN_HOOK = re.compile(
    r"Plugin '([\w.-]+)' (?:for|could not be loaded)|Error importing plugin \"([\w.-]+)\""
)
INSTALLED_MODULE = re.compile(r"site-packages/([\w/]+?)(?:/__init__)?\.py")
UNKNOWN_ARGUMENTS = re.compile(r"error: unrecognized arguments: (.+)$", re.MULTILINE)
UNKNOWN_SETTING = re.compile(r"Unknown config option: ([\w.-]+)")
ERROR_LINE = re.compile(r"^(?:E\s+)?((?:[\w.]+\.)?\w*(?:Error|Exception|Warning|Exit)\b.*)$")
MAX_ERROR_LINES = 3
MAX_ERROR_CHARACTERS = 400


def broken_plugin(output: str, plugins: Sequence[PytestPlugin]) -> PytestPlugin | None:
    """Return the plugin that kept pytest from starting, by what it printed; None if none did."""
    for found in BROKEN_HOOK.finditer(output):
        name = found.group(1) or found.group(2)
        for each in plugins:
            if name in {each.name, each.module, each.distribution}:
                return each
    modules = [each.replace("/", ".") for each in INSTALLED_MODULE.findall(output)]
    for module in reversed(modules):
        for each in plugins:
            own = each.module.partition(":")[0]
            if module == own or module.startswith(f"{own.partition('.')[0]}."):
                return each
    return None


def without_plugin(command: Sequence[str], plugin: PytestPlugin) -> tuple[str, ...]:
    """Return pytest's command with an option that disables a plugin."""
    return (*command, "-p", f"no:{plugin.name}")


def unknown_options(output: str, addopts: str) -> tuple[str, ...]:
    """Return the options in `addopts` that pytest does not know, as their plugin is missing.

    For a setting that it does not know, that is `--strict-config`.
    """
    found = UNKNOWN_ARGUMENTS.search(output)
    words = set(_split(addopts))
    unknown = [each for each in _split(found.group(1)) if each in words] if found else []
    if not unknown and UNKNOWN_SETTING.search(output) and "--strict-config" in words:
        return ("--strict-config",)
    return tuple(unknown)


def without_options(
    command: Sequence[str], addopts: str, options: Iterable[str]
) -> tuple[str, ...]:
    """Return pytest's command with an option that sets `addopts` to these without `options`."""
    removed = set(options)
    kept = shlex.join(each for each in _split(addopts) if each not in removed)
    return (*command, "-o", f"addopts={kept}")


def names_unknown_setting(output: str) -> bool:
    """Return whether pytest printed that it does not know a setting of its configuration."""
    return bool(UNKNOWN_SETTING.search(output))


def with_unknown_settings(command: Sequence[str]) -> tuple[str, ...]:
    """Return pytest's command with an option that permits settings which it does not know.

    A command that has it stays as it is.
    """
    option = ("-o", "strict_config=false")
    return tuple(command) if option[1] in command else (*command, *option)


def _split(options: str) -> list[str]:
    """Split options as a shell does, or at spaces if their quotes do not match."""
    try:
        return shlex.split(options)
    except ValueError:
        return options.split()


def passed_tests(report: TestReport, expected: int, convincing: int) -> int:
    """Return how many tests passed, in a target that has about `expected` tests.

    If only the exit code is known and it is 0, these are all, and at least `convincing`.
    """
    if set(report.results) == {COMMAND_RESULT_ID}:
        return max(expected, convincing) * report.counts.passed
    return report.counts.passed


def first_error(report: TestReport) -> TestResult | None:
    """Return the first file that was not collected, else the first failing test, else None."""
    failing = [each for _, each in sorted(report.results.items()) if each.outcome.bad]
    collected = [e for e in failing if e.outcome is Outcome.ERROR and "::" not in e.id]
    return next(iter((*collected, *failing)), None)


def error_text(detail: str) -> str:
    """Return the last line of a failure that names an error, else its last few lines, cut short."""
    lines = [each.strip() for each in detail.splitlines() if each.strip()]
    named = [found.group(1) for each in lines if (found := ERROR_LINE.match(each))]
    if named:
        return named[-1][:MAX_ERROR_CHARACTERS]
    return "\n".join(lines[-MAX_ERROR_LINES:])[-MAX_ERROR_CHARACTERS:]


def command_error(detail: str) -> str:
    """Return the last line that tells why a suite failed as a whole, else the last; cut short."""
    lines = [each.strip(" =") for each in detail.splitlines() if each.strip(" =")]
    errors = [each for each in lines if re.search(r"\bfail|required|error", each, re.IGNORECASE)]
    return (errors or lines or [""])[-1][:MAX_ERROR_CHARACTERS]
