import sqlite3

TABLE = "people"


def count(path):
    return sqlite3.connect(path).execute(f"SELECT count(*) FROM {TABLE}").fetchone()[0]


def rows(session, model):
    return session.execute("SELECT * FROM {}".format(model.__tablename__))
