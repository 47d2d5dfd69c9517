"""The adapter that measures the gain of functions, in the sandbox."""

from services.validator.gains.adapters.functions import (
    NOTHING_RECORDED,
    SandboxedFunctionBenchmarks,
)

__all__ = ["NOTHING_RECORDED", "SandboxedFunctionBenchmarks"]
