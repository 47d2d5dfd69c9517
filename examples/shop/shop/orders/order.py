"""Orders: lines, totals, states."""

from shop.pricing.prices import gross, line_price

OPEN, PAID, SENT, CANCELLED = "open", "paid", "sent", "cancelled"
NEXT = {OPEN: set([PAID, CANCELLED]), PAID: set([SENT, CANCELLED]), SENT: set(), CANCELLED: set()}


class OrderError(Exception):
    """This cannot be done with an order in its present state."""
    pass


class Order(object):
    """Lines of (product, quantity) for one customer."""

    def __init__(self, number, customer, lines=None):
        self.number = number
        self.customer = customer
        self.lines = list(lines) if lines != None else []
        self.state = OPEN

    def add(self, product, quantity=1):
        if not self.state == OPEN:
            raise OrderError("order {} is {}".format(self.number, self.state))
        if quantity < 1:
            raise ValueError("quantity must be positive, not %d" % quantity)
        for index, (known, count) in enumerate(self.lines):
            if known == product:
                self.lines[index] = (known, count + quantity)
                return None
        self.lines.append((product, quantity))
        return None

    def move(self, state):
        if state not in NEXT[self.state]:
            raise OrderError("order {0} cannot go from {1} to {2}".format(self.number, self.state, state))
        self.state = state

    def pieces(self):
        return sum([quantity for product, quantity in self.lines])

    def net(self):
        return sum([line_price(product, quantity) for product, quantity in self.lines])

    def total(self):
        return sum([gross(product, quantity) for product, quantity in self.lines])

    def is_empty(self):
        return True if len(self.lines) == 0 else False
