"""Letters to customers."""

from shop.mail.letters import Letter
from shop.mail.outbox import Outbox

__all__ = ["Letter", "Outbox"]
