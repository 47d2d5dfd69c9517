"""A cut that a cycle behind it keeps from being shown is made once that cycle is open."""

from tests.support.architecture import a_source, changed, findings, proposals

CUT = "imports:deferrable"
# basket.shelf → orders → orders.totals → basket.shelf, and orders is in a cycle with its own items.
FILES = {
    "groundswell.toml": "".join(
        f'[[component]]\nname = "{each}"\npaths = ["/{each}/"]\n' for each in ("basket", "orders")
    ),
    "basket/__init__.py": "",
    "basket/shelf.py": "from orders import Order\n\n\nclass Basket: ...\n\n\n"
    "def order():\n    return Order()\n",
    "orders/__init__.py": "from orders.items import item\nfrom orders.totals import total\n\n\n"
    "class Order: ...\n",
    "orders/items.py": "from orders import Order\n\n\ndef item():\n    return Order()\n",
    "orders/totals.py": "from basket.shelf import Basket\n\n\n"
    "def total(of=Basket):\n    return of\n",
}


def test_a_cut_with_a_closed_cycle_behind_it_waits_for_the_cut_that_opens_that():
    [first] = proposals(a_source(FILES))
    assert list(first.changes) == ["orders/items.py"]
    assert first.conditions
    found = {each.path: each for each in findings(a_source(FILES)) if each.rule == CUT}
    assert {path: each.fixable for path, each in found.items()} == {
        "basket/shelf.py": "no",
        "orders/items.py": "unsafe",
    }


def test_the_next_wave_makes_it():
    after = changed(FILES, proposals(a_source(FILES)))
    made = proposals(a_source(after))
    assert made
    assert all(each.conditions for each in made)
    last = changed(after, made)
    assert [e.rule for e in findings(a_source(last))] == []
