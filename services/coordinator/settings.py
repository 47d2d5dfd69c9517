"""What the coordinator is told from outside."""

from shared.settings import HomeSettings


class Settings(HomeSettings):
    """`provision` makes the streams and indexes at start; one coordinator does."""

    provision: bool = False
