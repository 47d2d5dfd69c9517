import sqlite3


def connection():
    return sqlite3.connect("shop.db")


def orders(customer, since):
    query = (
        "SELECT id, total FROM orders"
        " WHERE customer = '%s'"
        " AND placed >= '%s'" % (customer, since)
    )
    with connection() as db:
        return db.execute(query).fetchall()
