from decimal import Decimal

import pytest

from shop.orders.order import CANCELLED, PAID, SENT, Order, OrderError
from shop.orders.parse import BadOrder, load_orders, parse_order


def test_the_same_product_twice_is_one_line(catalog):
    order = Order(1, "Ada")
    order.add(catalog.find("BK0001"))
    order.add(catalog.find("BK0001"), 2)
    assert order.lines == [(catalog.find("BK0001"), 3)]
    assert order.pieces() == 3


def test_a_quantity_is_positive(catalog):
    with pytest.raises(ValueError, match="must be positive, not 0"):
        Order(1, "Ada").add(catalog.find("BK0001"), 0)


def test_totals(catalog):
    order = Order(1, "Ada", [(catalog.find("BK0001"), 1), (catalog.find("TO0001"), 2)])
    assert order.net() == Decimal("32.50")
    assert order.total() == Decimal("36.28")


def test_an_order_goes_from_open_to_paid_to_sent(catalog):
    order = Order(7, "Ada")
    order.move(PAID)
    with pytest.raises(OrderError, match="order 7 is paid"):
        order.add(catalog.find("BK0001"))
    order.move(SENT)
    with pytest.raises(OrderError, match="order 7 cannot go from sent to cancelled"):
        order.move(CANCELLED)


def test_a_new_order_is_empty(catalog):
    order = Order(1, "Ada")
    assert order.is_empty() is True
    order.add(catalog.find("BK0001"))
    assert order.is_empty() is False


def test_orders_are_read_from_text(catalog):
    order = parse_order("12; Grace ;BK0001x2,FO0001", catalog)
    assert (order.number, order.customer, order.pieces()) == (12, "Grace", 3)


@pytest.mark.parametrize("text", ["12;Grace", "12;Grace;BK0001xmany"])
def test_text_that_is_no_order_is_refused(text, catalog):
    with pytest.raises(BadOrder):
        parse_order(text, catalog)


def test_orders_are_loaded_from_a_file(tmp_path, catalog):
    file = tmp_path / "orders.txt"
    file.write_text("# today\n1;Ada;BK0001\n\n2;Grace;FO0001x3\n")
    assert [order.number for order in load_orders(file, catalog)] == [1, 2]
