from decimal import Decimal

import pytest

from shop.orders.order import CANCELLED, Order
from shop.reports.sales import best_customers, by_customer, by_product, table


@pytest.fixture
def orders(catalog):
    cancelled = Order(3, "Ada", [(catalog.find("BK0001"), 9)])
    cancelled.move(CANCELLED)
    return [
        Order(1, "Ada", [(catalog.find("BK0001"), 1)]),
        Order(2, "Grace", [(catalog.find("BK0001"), 2), (catalog.find("TO0001"), 1)]),
        cancelled,
    ]


def test_cancelled_orders_do_not_count(orders):
    assert by_product(orders) == {"BK0001": 3, "TO0001": 1}


def test_money_by_customer(orders):
    assert by_customer(orders) == {"Ada": Decimal("21.40"), "Grace": Decimal("50.24")}


def test_the_best_customers_come_first(orders):
    assert best_customers(orders, 1) == ["Grace"]


def test_the_table_has_a_line_for_each_customer(orders):
    assert table(orders).splitlines() == [
        "Ada                       21.40",
        "Grace                     50.24",
    ]
