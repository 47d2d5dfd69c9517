from shop.stock.counting import counted, shelves


def test_the_same_number_is_counted_together():
    assert counted(["BK0001", "TO0001 ", "BK0001"]) == {"BK0001": 2, "TO0001": 1}


def test_a_whole_warehouse_is_counted():
    scans = [f"BK{number % 400:04}" for number in range(2000)]
    assert set(counted(scans).values()) == {5}


def test_labels_of_shelves_are_read_and_others_are_left_out():
    assert shelves(["A12-S3", "door", "A1-S10"]) == [(12, 3), (1, 10)]


def test_all_labels_of_an_aisle_are_read():
    assert len(shelves([f"A7-S{number}" for number in range(500)])) == 500
