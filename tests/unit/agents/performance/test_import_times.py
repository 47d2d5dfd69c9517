"""The output of -X importtime is read as a tree, and slow imports are named by who begins them."""

from services.agents.types.performance.import_times import parse_import_times, slow_imports

OUTPUT = """import time: self [us] | cumulative | imported package
import time:       400 |        400 |     numpy.core
import time:     60000 |      60400 |   numpy
import time:       100 |        100 |     json.decoder
import time:       200 |        300 |   json
a line that the program prints
import time:      1000 |      61700 | shop
import time:        50 |         50 | atexit
"""


def test_imports_are_read_in_the_order_in_which_they_began():
    times = parse_import_times(OUTPUT)
    assert [(each.module, each.depth, each.parent) for each in times] == [
        ("atexit", 0, ""),
        ("shop", 0, ""),
        ("json", 1, "shop"),
        ("json.decoder", 2, "json"),
        ("numpy", 1, "shop"),
        ("numpy.core", 2, "numpy"),
    ]
    assert (times[4].own, times[4].total) == (60000, 60400)


def test_only_imports_that_cost_are_named_and_only_by_who_begins_them():
    assert [each.module for each in slow_imports(parse_import_times(OUTPUT), ["shop"])] == ["numpy"]


def test_other_output_has_no_imports():
    assert parse_import_times("Traceback: x\nimport time: a | b | c\n") == []
