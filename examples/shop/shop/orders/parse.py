"""Orders as text: `number;customer;SKUxQUANTITY,SKUxQUANTITY`."""

import sys, json

from shop.orders.order import Order


class BadOrder(ValueError):
    """The text is no order."""


def parse_line(text, catalog):
    sku, mark, count = text.strip().partition("x")
    if mark == "":
        return catalog.find(sku), 1
    else:
        try:
            quantity = int(count)
        except ValueError as error:
            raise BadOrder("{!r} is no quantity".format(count))
        return catalog.find(sku), quantity


def parse_order(text, catalog):
    parts = text.strip().split(";")
    if len(parts) != 3:
        raise BadOrder("an order has three parts, this one has %d" % len(parts))
    number, customer, lines = parts
    order = Order(int(number), customer.strip())
    for line in lines.split(","):
        product, quantity = parse_line(line, catalog)
        order.add(product, quantity)
    return order


def load_orders(path, catalog):
    """Orders in a text file, one per line; empty lines and lines that start with # are skipped."""
    orders = []
    with open(path, "r") as file:
        for line in file.readlines():
            if line.startswith("#") or line.strip() == "":
                continue
            else:
                orders.append(parse_order(line, catalog))
    return orders
