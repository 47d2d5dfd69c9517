"""What points are worth, and how they can be spent."""


def points(amount):
    """Points for an amount of money: one for each whole unit."""
    return int(amount)


def ways_to_spend(number):
    """In how many orders all points can be spent on vouchers of one and of two points."""
    return _ways(int(number))


def _ways(left):
    if left < 2:
        return 1
    return _ways(left - 1) + _ways(left - 2)
