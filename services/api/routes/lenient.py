"""Bodies as automation tools send them: JSON or form fields, with numbers and lists as text."""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import BaseModel, ValidationError

from shared.kernel.errors import Rejected
from shared.kernel.json_data import read_json
from shared.messaging.rpc import describe_validation_error

M = TypeVar("M", bound=BaseModel)
FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 100


def described(model: type[BaseModel]) -> dict[str, Any]:
    """Return what OpenAPI says of a body that `read_lenient` reads."""
    schema = model.model_json_schema()
    return {"requestBody": {"content": {each: {"schema": schema} for each in (JSON, FORM)}}}


JSON = "application/json"


def reading(model: type[M]) -> Callable[[Request], Any]:
    """Return the dependency that reads a body as `model`."""

    async def read(request: Request) -> M:
        """Return the body of a request; empty fields are absent. Raises `Rejected`."""
        sent = _fields(request.headers.get("content-type", ""), await request.body())
        given = {key: value for key, value in sent.items() if value not in ("", None)}
        try:
            return model.model_validate(given)
        except ValidationError as error:
            fields = ", ".join(model.model_fields)
            raise Rejected(
                describe_validation_error(error),
                hint=f"Fields: {fields}.",
                code="invalid_request",
            ) from None

    return read


def _fields(content_type: str, body: bytes) -> dict[str, Any]:
    """Return the fields of a body: of a form, of an object, or of the one object in a list."""
    try:
        if content_type.partition(";")[0].strip().lower() == FORM:
            return dict(parse_qsl(body.decode(), max_num_fields=MAX_FIELDS))
        read = read_json(body) if body.strip() else {}
    except ValueError as error:
        raise Rejected(f"The body cannot be read: {error}.", code="invalid_request") from None
    if isinstance(read, list) and len(read) == 1:
        [read] = read
    if not isinstance(read, dict):
        raise Rejected("The body has to be a JSON object.", code="invalid_request")
    return read
