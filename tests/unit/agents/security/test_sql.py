"""Which parts of SQL are values; what is not surely one is never made a parameter."""

# ruff: noqa: E501  (a case is a line)

import pytest

from services.agents.types.security.sql_strings import take_apart
from services.agents.types.security.sql_text import parametrized
from tests.unit.agents.security.support import a_source, fixed

SURE = [
    ("f\"SELECT a FROM t WHERE b = '{b}'\"", ["SELECT a FROM t WHERE b = ", ""]),
    ("f\"SELECT a FROM t WHERE b='{b}'\"", ["SELECT a FROM t WHERE b=", ""]),
    ('f"SELECT a FROM t WHERE b = {b}"', ["SELECT a FROM t WHERE b = ", ""]),
    ('f"select a from t where b >= {b} and c = 1"', ["select a from t where b >= ", " and c = 1"]),
    ('f"UPDATE t SET a = {a}, b = {b}"', ["UPDATE t SET a = ", ", b = ", ""]),
    ('f"SELECT a FROM t LIMIT {n} OFFSET {m}"', ["SELECT a FROM t LIMIT ", " OFFSET ", ""]),
    ("'''SELECT a FROM t\nWHERE b = {}'''.format(b)", ["SELECT a FROM t\nWHERE b = ", ""]),
    ('"SELECT a FROM t WHERE b = \'" + b + "\'"', ["SELECT a FROM t WHERE b = ", ""]),
    ('"DELETE FROM t WHERE b = " + str(b)', ["DELETE FROM t WHERE b = ", ""]),
    ('"DELETE FROM t WHERE b = %d" % b', ["DELETE FROM t WHERE b = ", ""]),
    ('"SELECT a FROM t WHERE b = %(b)s" % {"b": c}', ["SELECT a FROM t WHERE b = ", ""]),
    ("f\"INSERT INTO t (a, b) VALUES ({a}, '{b}')\"", None),
    ("f\"SELECT a FROM t WHERE lower(b) LIKE lower('%{b}%')\"", None),
    ("f\"SELECT a FROM t WHERE b BETWEEN '{b}' AND '{c}'\"", None),
    ("f\"SELECT a FROM t WHERE b IN ('{b}', '{c}')\"", None),
    ("f\"SELECT 'x' FROM t WHERE b = '{b}'\"", ["SELECT 'x' FROM t WHERE b = ", ""]),
]
UNSURE = [
    "f\"SELECT a FROM t WHERE b > DATE '{b}'\"",
    "f\"SELECT a FROM t WHERE b > now() - INTERVAL '{b} days'\"",
    "f\"SELECT a FROM t WHERE b = E'{b}'\"",
    "f\"SELECT a AS '{b}' FROM t\"",
    "f\"SELECT a FROM '{b}'\"",
    "f\"SELECT a FROM t ORDER BY '{b}'\"",
    'f"SELECT a FROM {t}"',
    'f"SELECT {a} FROM t"',
    'f"SELECT a FROM t WHERE {b} = 1"',
    'f"SELECT a FROM t WHERE b = {b}{c}"',
    'f"SELECT a FROM t WHERE b = {b} {c}"',
    'f"SELECT a FROM t WHERE b = {b}.c"',
    'f"SELECT a FROM t WHERE b = {b} + 1"',
    'f"SELECT a FROM t WHERE b = {b}::int"',
    'f"SELECT a FROM t WHERE b = -{b}"',
    'f"SELECT a FROM t WHERE b IN ({b})"',
    'f"SELECT a FROM t WHERE b = f({b})"',
    'f"SELECT a FROM t ORDER BY {b}"',
    'f"SELECT a FROM t WHERE b == {b}"',
    'f"SELECT a FROM t WHERE b ->> {b}"',
    "f\"SELECT a FROM t WHERE b = '{b}' AND c = '{c}\"",
    "f\"SELECT a FROM t WHERE b = 'it''s {b}'\"",
    "f\"SELECT a FROM t WHERE b = '' AND c = '{c}'\"",
    "f\"SELECT a FROM t WHERE b = '{b}' -- c\"",
    "f\"SELECT a FROM t /* it's */ WHERE b = '{b}'\"",
    "f'SELECT a FROM t WHERE b = \"{b}\"'",
    "f\"SELECT a FROM `t` WHERE b = '{b}'\"",
    "f\"SELECT a FROM t WHERE b = '{b!r}'\"",
    "f\"SELECT a FROM t WHERE b = '{b:>5}'\"",
    "f\"SELECT a FROM t WHERE b = '{b=}'\"",
    "f\"SELECT a FROM t WHERE b = '{b}' AND c = ?\"",
    "f\"SELECT a FROM t WHERE b = '{b}' AND c = :c\"",
    "f\"SELECT a FROM t WHERE b = '{b}' AND c = $1\"",
    "f\"SELECT a FROM t WHERE b = '{b}' AND c = '\\\\n'\"",
    "rf\"SELECT a FROM t WHERE b = '{b}'\"",
    'f"CREATE TABLE t (a = {b})"',
    '"SELECT a FROM t WHERE b = %s" % rows',
    '"SELECT a FROM t WHERE b = %s" % f(b)',
    '"SELECT a FROM t WHERE b = %r" % b',
    "\"SELECT a FROM t WHERE b = %s AND c LIKE '%%x'\" % b",
    '"SELECT a FROM t WHERE b = %s" % (*b,)',
    '"SELECT a FROM t WHERE b = %s AND c = %s" % (b,)',
    '"SELECT a FROM t WHERE b = %(b)s" % c',
    '"SELECT a FROM t WHERE b = %(b)s" % {"b": c, "d": e}',
    '"SELECT a FROM t WHERE b = %(b)s" % {"b": c, **e}',
    '"SELECT a FROM t WHERE b = {}".format(*b)',
    '"SELECT a FROM t WHERE b = {0.c}".format(b)',
    '"SELECT a FROM t WHERE b = {}".format(b, c)',
    '"SELECT a FROM t WHERE b = {{}}".format(b)',
    "\"SELECT a FROM t WHERE b = '\" + b + '\\''",
    '"SELECT a FROM t WHERE b = " + b * 2 + c',
    '"SELECT a FROM t WHERE b = " - b',
    'b + "SELECT a FROM t WHERE b = 1"',
    'f"SELECT a FROM t WHERE b = \'x" f"{b}\'"',
    "x",
    "(",
]


@pytest.mark.parametrize(("text", "expected"), SURE)
def test_what_is_surely_a_value_is_left_out(text, expected):
    found = parametrized(take_apart(text).parts)
    assert found is not None
    if expected is not None:
        assert list(found.texts) == expected


@pytest.mark.parametrize("text", UNSURE)
def test_a_statement_with_anything_else_stays_as_it_is(text):
    parts = take_apart(text)
    assert parts is None or parametrized(parts.parts) is None


UNKNOWN_DRIVERS = [
    "def f(conn, b):\n    conn.execute({})\n",
    "import sqlite3\n\n\ndef f(conn, b):\n    conn.execute({})\n",
    "from m import sqlite3\n\nsqlite3.connect(p).execute({})\n",
    "import sqlite3\n\nconn = sqlite3.connect(p) if p else other()\nconn.execute({})\n",
    "import sqlite3\n\nconn = sqlite3.connect(p)\nconn = other(conn)\nconn.execute({})\n",
    "import sqlite3\n\nconn = sqlite3.connect(p)\n\n\ndef f(conn, b):\n    conn.execute({})\n",
    "import sqlite3\n\nconn = sqlite3.connect(p)\n\n\ndef g():\n    global conn\n    conn = x\n\n\nconn.execute({})\n",
    "import sqlite3\n\nconn = sqlite3.connect(p)\n\n\ndef conn():\n    ...\n\n\nconn.execute({})\n",
    "import sqlite3\n\nfor conn in x:\n    conn.execute({})\n",
    "import sqlite3\n\nconn, p = sqlite3.connect(p), 1\nconn.execute({})\n",
    "import sqlite3\n\nsqlite3.connect(p).execute({}, x)\n",
    "import sqlite3\n\nsqlite3.connect(p).execute({}, *x)\n",
    "import sqlite3\n\nsqlite3.connect(p).executescript({})\n",
    "import sqlite3\n\n\n@other\ndef get():\n    return sqlite3.connect(p)\n\n\nget().execute({})\n",
    "import sqlite3\n\n\ndef get():\n    yield sqlite3.connect(p)\n\n\nget().execute({})\n",
    "import sqlite3\n\nx = {}\nsqlite3.connect(p).execute(x)\n",
    "import sqlite3\n\n\ndef f(b):\n    for b in c:\n        x = {}\n    sqlite3.connect(p).execute(x)\n",
    "import sqlite3\n\n\ndef f(b):\n    x = {}\n    b = 1\n    sqlite3.connect(p).execute(x)\n",
    "import sqlite3\n\n\ndef f(b):\n    x = {}\n    x += y\n    sqlite3.connect(p).execute(x)\n",
]


@pytest.mark.parametrize("text", UNKNOWN_DRIVERS)
def test_what_an_unknown_driver_executes_stays_as_it_is(tmp_path, text):
    source = text.format("f\"SELECT a FROM t WHERE b = '{b}'\"")
    assert fixed(tmp_path, a_source(source)) == source


KNOWN_DRIVERS = [
    "import sqlite3\n\n\ndef f(conn: sqlite3.Connection, b):\n    conn.execute({})\n",
    "import sqlite3\n\n\ndef f(cur: 'x', conn: sqlite3.Connection, b):\n    conn.cursor().execute({})\n",
    "import sqlite3 as s\n\nwith s.connect(p) as conn:\n    conn.execute({})\n",
    "import sqlite3\nfrom contextlib import closing\n\nwith closing(sqlite3.connect(p)) as conn:\n    conn.execute({})\n",
    "import sqlite3\n\nconn = None\nconn = sqlite3.connect(p)\nconn.execute({})\n",
    "import aiosqlite\n\n\nasync def f(b):\n    async with aiosqlite.connect(p) as db:\n        await db.execute({})\n",
    "import aiosqlite\n\n\nasync def f(b):\n    db = await aiosqlite.connect(p)\n    cur = await db.cursor()\n    await cur.execute({})\n",
]


@pytest.mark.parametrize("text", KNOWN_DRIVERS)
def test_what_a_known_driver_executes_gets_parameters(tmp_path, text):
    source = text.format("f\"SELECT a FROM t WHERE b = '{b}'\"")
    expected = text.format('"SELECT a FROM t WHERE b = ?", (b,)')
    assert fixed(tmp_path, a_source(source)) == expected
