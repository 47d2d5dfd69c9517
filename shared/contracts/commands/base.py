"""What several commands have."""

from typing import Annotated

from pydantic import StringConstraints

Reason = Annotated[str, StringConstraints(max_length=2000)]
