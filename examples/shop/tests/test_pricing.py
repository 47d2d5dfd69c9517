from decimal import Decimal

from shop.pricing.prices import gross, line_price, tax_rate
from shop.pricing.rules import best


def test_without_a_discount_a_line_is_price_times_quantity(catalog):
    assert line_price(catalog.find("BK0001"), 2) == Decimal("40.00")


def test_clearance_halves_the_price(catalog):
    assert line_price(catalog.find("TO0001"), 1) == Decimal("6.25")


def test_ten_pieces_are_a_tenth_cheaper(catalog):
    assert line_price(catalog.find("FO0001"), 10) == Decimal("17.91")
    assert line_price(catalog.find("FO0001"), 9) == Decimal("17.91")


def test_the_best_discount_wins(catalog):
    assert best(catalog.find("TO0001"), 10) == ("clearance", 0.5)


def test_books_and_food_have_the_reduced_tax(catalog):
    assert tax_rate(catalog.find("BK0001")) == Decimal("0.07")
    assert tax_rate(catalog.find("TO0001")) == Decimal("0.19")


def test_gross_is_net_and_tax(catalog):
    assert gross(catalog.find("BK0001"), 1) == Decimal("21.40")
