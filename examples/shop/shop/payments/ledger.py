"""The ledger: payments in a database file."""

import sqlite3

from shop.payments import invoices


class Ledger:
    """Payments by the number of their invoice."""

    def __init__(self, path=":memory:"):
        self.connection = sqlite3.connect(path)
        self.connection.execute("CREATE TABLE IF NOT EXISTS payments (invoice TEXT, cents INTEGER)")

    def book(self, order, cents):
        number = invoices.number_of(order)
        self.connection.execute("INSERT INTO payments VALUES (?, ?)", (number, cents))
        self.connection.commit()

    def paid(self, invoice):
        """Cents that were paid on an invoice."""
        query = f"SELECT SUM(cents) FROM payments WHERE invoice = '{invoice}'"
        [(cents,)] = self.connection.execute(query)
        return cents or 0
