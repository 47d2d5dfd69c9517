from shop.shipping.parcels import customs_forms, load_vans, needs_customs


def test_parcels_within_the_union_need_no_form():
    assert not needs_customs("SE")
    assert needs_customs("CH")


def test_forms_are_counted():
    assert customs_forms(["SE", "CH", "NO", "ES"] * 500) == 1000


def test_vans_are_loaded_in_the_order_in_which_parcels_came():
    assert load_vans([5, 4, 3, 9], 10) == [[5, 4], [3], [9]]
    assert load_vans([], 10) == []


def test_a_day_before_christmas_fits_into_vans():
    vans = load_vans([1, 2, 3, 4] * 2500, 100)
    assert sum(map(len, vans)) == 10_000
    assert all(sum(each) <= 100 for each in vans)
