"""The table `[infinite]` of `groundswell.toml`."""

from pydantic import Field

from shared.targets.config.base import Section


class InfiniteSection(Section):
    """`[infinite]`: the limits of infinite mode on the target.

    At most `max_open` changes are open or wait for a person. After `refusals` refused changes in a
    row it pauses by itself. `seconds_per_day` is what agents and test runs may take on one day
    (UTC); 0 is without limit. `plateau_minutes` is the longest pause while nothing lands.
    """

    max_open: int = Field(default=8, ge=1, le=500)
    refusals: int = Field(default=5, ge=2, le=100)
    seconds_per_day: float = Field(default=0, ge=0)
    plateau_minutes: float = Field(default=240, ge=1)
