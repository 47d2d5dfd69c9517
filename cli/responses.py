"""What the API answers: events, and problems as errors of their families."""

import httpx
from httpx_sse import ServerSentEvent

from shared.contracts.events import EVENT_BY_SUBJECT, Event
from shared.kernel.errors import Conflict, GroundswellError, NotFound, Rejected, Transient
from shared.kernel.json_data import read_json

FAMILIES: dict[int, type[GroundswellError]] = {404: NotFound, 409: Conflict, 503: Transient}


def decode_event(sent: ServerSentEvent) -> Event | None:
    """Return the event, or None if this version does not know its kind or cannot read it."""
    try:
        data = read_json(sent.data)
        kind = EVENT_BY_SUBJECT.get(str(data.get("type")))
        return kind.model_validate(data) if kind else None
    except (ValueError, AttributeError):
        # Anybody with access to NATS may publish there; one bad event must not end the report.
        return None


def error_of(response: httpx.Response) -> GroundswellError:
    """Return the error that a problem document stands for, or a plain one for any other answer."""
    try:
        body = read_json(response.content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return GroundswellError(f"The API answered {response.status_code}: {response.text[:200]}")
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return Rejected(
            f"The API at {response.url.netloc.decode()} does not accept our key.",
            hint=f"Set GROUNDSWELL_API_KEY to a valid one. {body.get('detail')}",
            code=str(body.get("code", "wrong_key")),
        )
    family = FAMILIES.get(response.status_code)
    if family is None:
        family = Rejected if response.is_client_error else GroundswellError
    error = family(str(body.get("detail")), hint=str(body.get("hint", "")))
    error.code = str(body.get("code", error.code))
    return error
