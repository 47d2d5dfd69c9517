from decimal import Decimal

from shop.loyalty.points import points, ways_to_spend


def test_only_whole_units_count():
    assert points(Decimal("21.40")) == 21


def test_a_few_points_can_be_spent_in_a_few_ways():
    assert [ways_to_spend(number) for number in range(6)] == [1, 1, 2, 3, 5, 8]


def test_many_points_can_be_spent_in_many_ways():
    assert ways_to_spend(18) == 4181
