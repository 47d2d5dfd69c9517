"""Products, and where they are looked up."""

from shop.catalog.products import Product
from shop.catalog.store import Catalog, UnknownProduct

__all__ = ["Catalog", "Product", "UnknownProduct"]
