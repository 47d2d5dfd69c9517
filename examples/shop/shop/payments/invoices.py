"""Invoices and their numbers."""

from shop.payments.ledger import Ledger

PREFIX = "R"


def number_of(order):
    return f"{PREFIX}-{order.number:05}"


def open_amounts(orders, path):
    """Cents that are still to be paid, by invoice."""
    ledger = Ledger(path)
    amounts = {}
    for order in orders:
        invoice = number_of(order)
        amounts[invoice] = int(order.total() * 100) - ledger.paid(invoice)
    return amounts
