"""Sales by product and by customer."""

import collections
import itertools
from decimal import Decimal

from shop.orders.order import CANCELLED


def by_product(orders):
    """Pieces sold by stock keeping unit."""
    sold = collections.Counter()
    for order in orders:
        if order.state != CANCELLED:
            for product, quantity in order.lines:
                sold[product.sku] += quantity
    return sold


def by_customer(orders):
    """Money by customer."""
    totals = {}
    for order in orders:
        if order.state == CANCELLED:
            continue
        if order.customer in totals:
            totals[order.customer] = totals[order.customer] + order.total()
        else:
            totals[order.customer] = Decimal(0) + order.total()
    return totals


def best_customers(orders, count=3):
    totals = by_customer(orders)
    ranked = sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))
    return list(map(lambda pair: pair[0], ranked[:count]))


def table(orders):
    """Customers and what they spent, as lines of text."""
    lines = []
    for customer, total in sorted(by_customer(orders).items()):
        lines.append("%-20s %10s" % (customer, total))
    result = "\n".join(lines)
    return result
