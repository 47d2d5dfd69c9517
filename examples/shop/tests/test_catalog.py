import pytest

from shop.catalog import Catalog, Product, UnknownProduct


def test_a_product_is_found_by_its_number(catalog):
    assert catalog.find("BK0001").name == "A History of Tides"


def test_an_unknown_number_is_an_error(catalog):
    with pytest.raises(UnknownProduct):
        catalog.find("XX9999")


def test_a_number_is_used_once(catalog):
    with pytest.raises(ValueError, match="already"):
        catalog.add(Product("BK0001", "Another", "1"))


def test_a_number_has_two_letters_and_four_digits():
    with pytest.raises(ValueError, match="is no stock keeping unit"):
        Product("book", "A Book", "1")


def test_products_are_equal_by_number():
    assert Product("BK0001", "One", "1") == Product("BK0001", "Two", "2")
    assert Product("BK0001", "One", "1") != Product("BK0002", "One", "1")
    assert Product("BK0001", "One", "1") != "BK0001"
    assert len({Product("BK0001", "One", "1"), Product("BK0001", "Two", "2")}) == 1


def test_search_does_not_care_for_case(catalog):
    assert [each.sku for each in catalog.search("TIN")] == ["TO0001"]
    assert catalog.search("nothing") == []


def test_tags_do_not_care_for_case(catalog):
    assert [each.sku for each in catalog.tagged("BOOKS")] == ["BK0001"]
    assert not catalog.find("BK0001").has_tag("toys")


def test_the_cheapest_product(catalog):
    assert catalog.cheapest().sku == "FO0001"


def test_a_catalogue_knows_its_size_and_numbers(catalog):
    assert len(catalog) == 3
    assert "BK0001" in catalog
    assert "XX0001" not in catalog


def test_a_product_shows_itself():
    assert repr(Product("BK0001", "One", "1.50")) == "Product('BK0001', 'One', '1.50')"
