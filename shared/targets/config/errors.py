"""Errors in `groundswell.toml`, as sentences for people."""

import difflib
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from shared.kernel.errors import Rejected

MAX_REPORTED_ERRORS = 6


def config_rejection(
    error: ValidationError, source: str, model: type[BaseModel], prefix: tuple[str, ...] = ()
) -> Rejected:
    """Return the error that says in sentences which keys are wrong, the first 6 of them."""
    lines = [_sentence(dict(each), model, prefix) for each in error.errors(include_url=False)]
    return Rejected(f"{source}: {' '.join(lines[:MAX_REPORTED_ERRORS])}", code="bad_config")


def _sentence(error: dict[str, Any], model: type[BaseModel], prefix: tuple[str, ...]) -> str:
    """Return a validation error of pydantic as a sentence for the user."""
    location = [str(part) for part in error["loc"]]
    key = ".".join((*prefix, *location))
    if error["type"] != "extra_forbidden":
        return f"{key}: {error['msg']}."
    known = _known_keys(location[:-1], model)
    near = difflib.get_close_matches(location[-1], known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}."
    return f"{key} is not a known key; {hint}"


def _known_keys(location: list[str], model: type[BaseModel]) -> list[str]:
    """Return the names of the keys that `model` allows in the table at `location`, sorted.

    `location` leads to the table itself, as keys and, in lists of tables, indexes in digits:
    `["component", "0"]`. All its keys must be known.
    """
    for part in location:
        if not part.isdigit():
            annotation: Any = model.model_fields[part].annotation
            # A list of tables is a tuple[Section, ...].
            model = annotation if isinstance(annotation, type) else get_args(annotation)[0]
    return sorted(model.model_fields)
