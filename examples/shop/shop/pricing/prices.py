"""What an order line costs."""

from decimal import Decimal, ROUND_HALF_UP

from shop.pricing import seasonal
from shop.pricing.rules import best

CENT = Decimal("0.01")
TAX = {"books": Decimal("0.07"), "food": Decimal("0.07")}
STANDARD_TAX = Decimal("0.19")


def rounded(amount):
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def line_price(product, quantity):
    """Net price of `quantity` pieces, after the best discount."""
    name, share = best(product, quantity)
    net = product.price * quantity * (1 - Decimal(str(share)))
    return rounded(net)


def tax_rate(product):
    rates = [TAX[tag] for tag in product.tags if tag in TAX.keys()]
    if len(rates) > 0:
        return min(rates)
    else:
        return STANDARD_TAX


def gross(product, quantity):
    net = line_price(product, quantity)
    total = rounded(net * (1 + tax_rate(product)))
    return total
