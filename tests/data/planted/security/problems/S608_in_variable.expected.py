import sqlite3


def connection():
    return sqlite3.connect("shop.db")


def orders(customer, since):
    query = (
        "SELECT id, total FROM orders"
        " WHERE customer = ?"
        " AND placed >= ?"
    )
    with connection() as db:
        return db.execute(query, (customer, since)).fetchall()
