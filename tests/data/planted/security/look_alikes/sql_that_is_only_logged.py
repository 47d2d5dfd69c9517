import logging

log = logging.getLogger(__name__)


def explain(name):
    sql = f"SELECT id FROM products WHERE name = '{name}'"
    log.info("one would ask: %s", sql)
