from shop.orders.order import Order
from shop.payments import Ledger, number_of, open_amounts
from shop.payments.reminders import reminders


def test_invoices_are_numbered_like_orders():
    assert number_of(Order(7, "Ada")) == "R-00007"


def test_what_was_paid_is_no_longer_open(tmp_path, catalog):
    path = tmp_path / "ledger.db"
    orders = [Order(1, "Ada", [(catalog.find("BK0001"), 1)]), Order(2, "Grace")]
    ledger = Ledger(path)
    ledger.book(orders[0], 2000)
    ledger.book(orders[0], 100)
    assert ledger.paid("R-00001") == 2100
    assert open_amounts(orders, path) == {"R-00001": 40, "R-00002": 0}


def test_only_who_owes_enough_is_reminded(catalog):
    orders = [
        Order(1, "Ada", [(catalog.find("BK0001"), 2)]),
        Order(2, "Grace", [(catalog.find("FO0001"), 1)]),
        Order(3, "Ada", [(catalog.find("FO0001"), 1)]),
    ]
    assert reminders(orders, 20) == ["Ada"]
