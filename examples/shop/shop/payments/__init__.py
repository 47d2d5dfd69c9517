"""Money that comes in."""

from shop.payments.invoices import number_of, open_amounts
from shop.payments.ledger import Ledger

__all__ = ["Ledger", "number_of", "open_amounts"]
