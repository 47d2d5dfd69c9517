"""What the validator is told from outside."""

from shared.sandbox.choice import AUTO
from shared.settings import HomeSettings


class Settings(HomeSettings):
    """`sandbox` is a tier by name, or the best that there is; sizes in GiB.

    `allow_unsandboxed` lets targets' code run with our own rights where no sandbox holds.
    """

    sandbox: str = AUTO
    allow_unsandboxed: bool = False
    environments_max_gib: float = 20
