"""Path patterns in gitignore style, and the paths that no patch may change without approval."""

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from pathspec import GitIgnoreSpec

from shared.kernel.errors import Rejected
from shared.kernel.extensions import load_agent_types
from shared.targets.config import TargetConfig

# A change must not alter what decides about it: tests, their settings, dependencies and CI.
PROTECTED_PATTERNS = (
    "test_*.py",
    "*_test.py",
    "*_tests.py",
    "tests.py",
    "test.py",
    "runtests.py",
    "run_tests.py",
    "conftest.py",
    "test/",
    "tests/",
    "testing/",
    "pytest.ini",
    ".pytest.ini",
    "pytest.toml",
    ".pytest.toml",
    # What Python or its tools load by name, before the code that was asked for.
    "sitecustomize.py",
    "sitecustomize/",
    "usercustomize.py",
    "usercustomize/",
    "*.pth",
    "*.egg-info",
    "*.egg-link",
    "*.dist-info",
    "tox.ini",
    "noxfile.py",
    "setup.py",
    "setup.cfg",
    "pyproject.toml",
    "requirements*.txt",
    "requirements/",
    "*.lock",
    "*.test.*",
    "*.spec.*",
    "__tests__/",
    "jest.config.*",
    "vitest.config.*",
    ".mocharc*",
    "eslint.config.*",
    ".eslintrc*",
    "node_modules/",
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    ".npmrc",
    "go.mod",
    "go.sum",
    "Makefile",
    "justfile",
    "tox.toml",
    "Pipfile",
    "Dockerfile*",
    "docker-compose*.yml",
    ".git*",
    ".github/",
    ".gitlab-ci.yml",
    ".circleci/",
    ".ci/",
    ".pre-commit-config.yaml",
    "groundswell.toml",
)
MAX_COMPILED_PATTERNS = 256


@lru_cache(maxsize=MAX_COMPILED_PATTERNS)
def _compiled(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    """Return compiled patterns, from a cache. Raises `Rejected` for a bad one."""
    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise Rejected(
            f"A path pattern cannot be read: {error}.",
            hint="Patterns are written as in .gitignore.",
            code="bad_pattern",
        ) from error


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Return whether gitignore-style patterns cover a path. Raises `Rejected` for a bad pattern."""
    return _compiled(tuple(patterns)).match_file(path)


def literal_pattern(path: str) -> str:
    """Return the pattern that covers exactly this path, and all below it if it ends in `/`."""
    escaped = re.sub(r"[][*?\\]", r"\\\g<0>", path)
    # A blank at the end of a pattern does not count unless it is escaped.
    return f"/{escaped[:-1]}\\ " if escaped.endswith(" ") else f"/{escaped}"


def normal_path(path: str) -> str | None:
    """Return the normal form of a path below the root; None if it leads out of it."""
    parts: list[str] = []
    for each in path.split("/"):
        if each == "..":
            if not parts:
                return None
            parts.pop()
        elif each not in {"", "."}:
            parts.append(each)
    return "/".join(parts) if not path.startswith("/") else None


def is_protected(path: str, config: TargetConfig) -> bool:
    """Return whether a path is protected: a patch to it is refused or needs an approval."""
    configured = config.policy.protected + _configured_patterns(config)
    return matches(path, PROTECTED_PATTERNS + _tool_patterns() + configured)


@cache
def _tool_patterns() -> tuple[str, ...]:
    """Return the patterns of files that configure the detectors of the registered agent types."""
    return tuple(p for each in load_agent_types().values() for p in each.protected_files)


def _configured_patterns(config: TargetConfig) -> tuple[str, ...]:
    """Return the patterns of files and folders with rules that the target names itself."""
    if not config.agents:
        return ()
    return tuple(
        literal_pattern(str(value).strip("/"))
        for each in load_agent_types().values()
        for key in each.protected_keys
        if (value := config.agents.get(each.name, {}).get(key))
    )
