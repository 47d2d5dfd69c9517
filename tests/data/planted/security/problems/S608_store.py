import sqlite3


class Store:
    def __init__(self, path):
        self.db = sqlite3.connect(path)

    def by_name(self, name):
        return self.db.execute(f"SELECT id, name FROM people WHERE name = '{name}'").fetchall()

    def rename(self, id, name):
        cursor = self.db.cursor()
        cursor.execute("UPDATE people SET name = '%s' WHERE id = %d" % (name, id))
        self.db.commit()

    def search(self, text, limit):
        cursor = self.db.cursor()
        cursor.execute(
            "SELECT id FROM people WHERE name LIKE '%{}%' ORDER BY id LIMIT {}".format(text, limit)
        )
        return cursor.fetchall()
