"""Drivers of databases, and how each writes a parameter in SQL."""

import ast

from services.agents.types.security.code import PythonCode
from services.agents.types.security.values import made_by

QUESTION, PERCENT, NAMED = "?", "%s", ":"
# What makes a connection, or is the class of one or of a cursor, by how its driver writes a
# parameter.
DRIVERS = {
    QUESTION: (
        "sqlite3.connect",
        "sqlite3.Connection",
        "sqlite3.Cursor",
        "aiosqlite.connect",
        "aiosqlite.Connection",
    ),
    PERCENT: (
        "psycopg2.connect",
        "psycopg.connect",
        "psycopg.Connection",
        "psycopg.Cursor",
        "pymysql.connect",
        "MySQLdb.connect",
        "mysql.connector.connect",
        "aiopg.connection.Connection",
        "django.db.connection",
        "aiopg.Connection",
    ),
}
METHODS = ("", ".cursor", ".execute")
MAKERS = {
    f"{name}{method}": style
    for style, names in DRIVERS.items()
    for name in names
    for method in METHODS
}


def style_of(code: PythonCode, receiver: ast.expr) -> str:
    """Return how parameters are written for a connection or cursor; empty if that is not known."""
    styles = {MAKERS.get(each, "") for each in made_by(code, receiver)}
    return styles.pop() if len(styles) == 1 else ""
