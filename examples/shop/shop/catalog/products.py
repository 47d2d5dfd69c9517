"""What the shop sells."""

import os
import re
from decimal import Decimal

SKU = re.compile("^[A-Z]{2}\d{4}$")


class Product(object):
    """One product. Two products are the same if their numbers are."""

    def __init__(self, sku, name, price, tags=None):
        if not SKU.match(sku):
            raise ValueError("%s is no stock keeping unit" % (sku,))
        self.sku = sku
        self.name = name
        self.price = Decimal(price)
        if tags == None:
            tags = []
        self.tags = set([tag.lower() for tag in tags])

    def __eq__(self, other):
        if not isinstance(other, Product):
            return NotImplemented
        else:
            return self.sku == other.sku

    def __hash__(self):
        return hash(self.sku)

    def __repr__(self):
        return "Product({!r}, {!r}, {!r})".format(self.sku, self.name, str(self.price))

    def has_tag(self, tag):
        if tag.lower() in self.tags:
            return True
        else:
            return False
