import pytest

from shop.catalog import Catalog, Product


@pytest.fixture
def catalog():
    return Catalog(
        [
            Product("BK0001", "A History of Tides", "20.00", ["Books"]),
            Product("TO0001", "Tin Boat", "12.50", ["toys", "clearance"]),
            Product("FO0001", "Ship's Biscuit", "1.99", ["food"]),
        ]
    )
