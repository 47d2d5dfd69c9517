"""Sandboxes: adapters of the `Sandbox` port, and the private directories their commands work in."""

from services.validator.adapters.sandbox.rlimits import RlimitSandbox
from services.validator.adapters.sandbox.scratch import Scratch, sweep

__all__ = ["RlimitSandbox", "Scratch", "sweep"]
