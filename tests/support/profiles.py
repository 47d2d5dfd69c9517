"""What is known about a target, of which a test says only what it is about."""

from typing import Any

from shared.targets.config import TargetConfig
from shared.targets.profile import EnvironmentPlan, TargetProfile, TestPlan


def a_profile(
    *command: str, framework: str = "pytest", timeout: float = 60, **environment: Any
) -> TargetProfile:
    """Tested by that command, else by pytest; `environment` are fields of its plan."""
    plan = {
        "requires_python": "",
        "installs": (),
        "requirement_files": (),
        "needs_metadata": False,
        "setup": None,
        "dependency_files": (),
        **environment,
    }
    test = TestPlan(
        command=command or ("python", "-m", "pytest"),
        framework=framework,
        pythonpath=(".",),
        test_files=(),
        timeout=timeout,
    )
    return TargetProfile(
        config=TargetConfig(),
        components=(),
        test=test,
        environment=EnvironmentPlan.model_validate(plan),
        oldest_python=(3, 11),
        notes=(),
    )
