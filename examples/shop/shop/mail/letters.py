"""What is written to customers."""

from __future__ import annotations

from shop.mail.outbox import Outbox
from shop.site.blocks import _tag

GREETING = "Dear"


class Letter:
    """A letter to one customer."""

    def __init__(self, customer, text):
        self.customer = customer
        self.text = text

    def put_into(self, outbox: Outbox) -> None:
        outbox.letters.append(self)

    def __str__(self):
        return f"{GREETING} {self.customer},\n{self.text}"

    def html(self):
        return _tag("p", str(self))
