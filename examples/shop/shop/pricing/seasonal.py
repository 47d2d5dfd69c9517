"""Discounts that come and go."""

from shop.pricing.rules import rule


@rule("clearance")
def clearance(product, quantity):
    """Half price while stocks last."""
    if product.has_tag("clearance"):
        return 0.5
    return 0


@rule("bulk")
def bulk(product, quantity):
    """A tenth off from ten pieces."""
    return 0.1 if not quantity < 10 else 0
