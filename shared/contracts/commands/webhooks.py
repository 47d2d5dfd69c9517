"""What clients send about webhooks."""

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.contracts.base import Id, Value
from shared.contracts.documents.webhooks import SignatureKind

Pattern = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.*?]{1,100}$")]
Patterns = Annotated[tuple[Pattern, ...], Field(min_length=1, max_length=50)]
FieldValues = Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=50)]
Description = Annotated[str, Field(max_length=200)]


class NewWebhook(Value):
    """Subscribe a URL to events whose type matches a pattern, such as `enhancement.*`.

    `targets` and `fields` select further: only events of these targets, and only those in which
    each field has one of the values.
    """

    url: str = Field(max_length=2048, examples=["https://example.org/hooks/groundswell"])
    events: Patterns = ("*",)
    targets: tuple[Id, ...] = Field(default=(), max_length=100)
    fields: dict[Annotated[str, Field(max_length=100)], FieldValues] = Field(
        default_factory=dict, max_length=10, examples=[{"component": ["shop"]}]
    )
    description: Description = ""


class NewSender(Value):
    """Let a sender tell us of pushes: GitHub, or one that signs by Standard Webhooks."""

    kind: SignatureKind = "github"
    description: Description = ""


class WebhookChange(Value):
    """What to change of a webhook; what is left out stays."""

    enabled: bool | None = None
    url: str | None = Field(default=None, max_length=2048)
    events: Patterns | None = None
    description: Description | None = None
