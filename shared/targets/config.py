"""`groundswell.toml`: what a target says about itself. Read from the base branch only."""

import difflib
import tomllib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.kernel.errors import Rejected

FILE = "groundswell.toml"


class Section(BaseModel):
    """An unknown key is a typing error more often than a wish, so it is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TargetSection(Section):
    """`base` is the branch to improve where none is asked for; without it the checked-out one."""

    base: str = ""


class ComponentSection(Section):
    """`paths` are gitignore-style patterns."""

    name: str = Field(min_length=1, max_length=100)
    paths: tuple[str, ...] = Field(min_length=1)
    owners: tuple[str, ...] = ()


class EnvironmentSection(Section):
    """`setup` replaces what is detected: shell commands in the exported tree. Seconds in `timeout`."""

    python: str = ""
    setup: tuple[str, ...] | None = None
    timeout: float = Field(default=900, gt=0)


class TestSection(Section):
    """`command` replaces what is detected. Seconds in `timeout`."""

    __test__ = False

    command: str = ""
    timeout: float = Field(default=1800, gt=0)
    pythonpath: tuple[str, ...] = ()


class PolicySection(Section):
    """What a patch may do. `protected` adds to the built-in list.

    `approval` says which changes wait for a person before they land: those whose fix may change
    behaviour (unsafe), or all. `protected_paths` says what becomes of a patch to one of them.
    `unprotected` says what becomes of a change of lines in which no test notices a planted fault: it
    waits for a person (ask), it does so unless its fix is one that keeps behaviour (safe), or it lands (allow).
    Where tests reached a function that it touches and none does any more, it waits all the same.
    """

    approval: Literal["none", "unsafe", "all"] = "none"
    protected_paths: Literal["refuse", "ask"] = "refuse"

    protected: tuple[str, ...] = ()
    unprotected: Literal["ask", "safe", "allow"] = "ask"
    max_files: int = Field(default=200, ge=1)
    max_lines: int = Field(default=2000, ge=1)
    max_bytes: int = Field(default=1_000_000, ge=1)
    unsafe_fixes: bool = True


class BenchSection(Section):
    """`command` runs the target's benchmarks; `format` is how it says what it measured (see docs/benchmarks-of-a-target.md).

    `tolerance` is the share by which a benchmark may get worse. Seconds in `timeout`, for one run of the command.
    """

    command: str = ""
    format: Literal["auto", "pytest-benchmark", "hyperfine", "asv", "lines"] = "auto"
    tolerance: float = Field(default=0.02, ge=0, lt=1)
    timeout: float = Field(default=600, gt=0)


class WatchSection(Section):
    """After landing, health is measured again for so many `minutes`, `checks` times; 0 checks: never."""

    minutes: float = Field(default=60, gt=0)
    checks: int = Field(default=3, ge=0, le=50)


class LandingSection(Section):
    """Where changes land: on a branch of ours (`branch`), or on the base branch itself (`direct`).

    `pull_request` lands on a branch of ours and shows it to people: a branch for each wave or for
    each enhancement is pushed to `remote`, and a pull request is opened for it.
    """

    mode: Literal["branch", "direct", "pull_request"] = "branch"
    per: Literal["wave", "enhancement"] = "wave"
    remote: str = Field(default="origin", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$")


class CodeQualitySection(Section):
    """Beginnings of rule codes: of the built-in rules only these (empty: all), and none of those.

    `fix` is a shell command of the target's own that repairs files in place, such as its linter's.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fix: str = ""


class TargetConfig(Section):
    """The whole file; every part may be left out."""

    target: TargetSection = TargetSection()
    component: tuple[ComponentSection, ...] = ()
    environment: EnvironmentSection = EnvironmentSection()
    test: TestSection = TestSection()
    policy: PolicySection = PolicySection()
    landing: LandingSection = LandingSection()
    bench: BenchSection = BenchSection()
    watch: WatchSection = WatchSection()
    code_quality: CodeQualitySection = CodeQualitySection()


def parse_config(content: bytes, *, source: str = FILE) -> TargetConfig:
    """The configuration; `Rejected` names the key, what was expected, and the nearest known key."""
    try:
        data = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Rejected(f"{source} is not valid TOML: {error}.", code="bad_config") from error
    try:
        config = TargetConfig.model_validate(data)
    except ValidationError as error:
        lines = [_sentence(each) for each in error.errors(include_url=False)]  # type: ignore[arg-type]
        raise Rejected(f"{source}: {' '.join(lines[:6])}", code="bad_config") from None
    names = [each.name for each in config.component]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Rejected(f"{source}: two components are called {twice[0]}.", code="bad_config")
    return config


def _sentence(error: dict[str, Any]) -> str:
    place = [str(part) for part in error["loc"]]
    key = ".".join(place)
    if error["type"] != "extra_forbidden":
        return f"{key}: {error['msg']}."
    known = _known(place[:-1])
    near = difflib.get_close_matches(place[-1], known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}."
    return f"{key} is not a known key; {hint}"


def _known(place: list[str]) -> list[str]:
    """The keys of the section at `place`."""
    model: type[BaseModel] = TargetConfig
    sections = {"component": ComponentSection}
    for part in place:
        if part.isdigit():
            continue
        annotation = model.model_fields[part].annotation
        model = sections.get(part) or annotation  # type: ignore[assignment]
    return sorted(model.model_fields)
