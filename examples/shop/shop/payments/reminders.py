"""Who is reminded to pay. (Copied from the reports, where the same is summed up.)"""

from decimal import Decimal

from shop.orders.order import CANCELLED


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
    return [customer for customer, total in ranked[:count] if total]


def reminders(orders, smallest):
    """Customers who owe at least the smallest amount worth a letter, by name."""
    owed = by_customer(orders)
    return sorted(customer for customer in best_customers(orders) if owed[customer] >= smallest)
