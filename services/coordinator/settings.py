"""CoordinatorSettings of the coordinator."""

from pydantic import Field

from shared.settings import HomeSettings


class CoordinatorSettings(HomeSettings):
    """`provision` creates streams, consumers and indexes at start; one coordinator does.

    `ack_wait_seconds` is how long after the death of a service the messages it was handling are
    delivered again; without it each consumer has its own (mostly 10 s).
    """

    provision: bool = False
    ack_wait_seconds: float | None = Field(default=None, ge=3)
