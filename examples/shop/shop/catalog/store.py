"""Where products are looked up."""

from __future__ import unicode_literals

import collections

from shop.catalog.products import Product


class UnknownProduct(KeyError):
    """There is no product under that number."""
    pass


class Catalog(object):
    """Products by number, in the order they were added."""

    def __init__(self, products=()):
        self._products = dict()
        for product in products:
            self.add(product)

    def add(self, product):
        if product.sku in self._products.keys():
            raise ValueError("{} is in the catalogue already".format(product.sku))
        self._products[product.sku] = product

    def find(self, sku):
        try:
            return self._products[sku]
        except KeyError:
            raise UnknownProduct(sku)

    def search(self, text):
        """Products whose name has `text` in it, whatever the case."""
        wanted = text.lower()
        found = [product for product in self._products.values() if wanted in product.name.lower()]
        return found

    def tagged(self, tag):
        found = list([p for p in self._products.values() if p.has_tag(tag)])
        return found

    def cheapest(self):
        return sorted(self._products.values(), key=lambda product: product.price)[0]

    def __len__(self):
        return len(self._products)

    def __contains__(self, sku):
        return not sku not in self._products
