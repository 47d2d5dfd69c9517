import sqlite3

COLUMNS = "id, name"


def find(path, name):
    db = sqlite3.connect(path)
    return db.execute("SELECT id FROM people WHERE name = ?", (name,)).fetchall()


def tell(logger, person, count):
    logger.info(f"please select one of {count} offers, {person}")
    return "Update for %s" % person
