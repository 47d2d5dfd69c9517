"""SQL with values in its text becomes SQL with parameters, where the driver is known."""

import re

from services.agents.types.security.rule import (
    ADVICE,
    DISMISSED,
    Judgement,
    Spot,
    WeaknessRule,
    code,
    example,
)
from services.agents.types.security.sql_calls import (
    Execution,
    executed_variable,
    execution_of,
    with_parameters,
)
from services.agents.types.security.sql_noise import (
    is_of_constants,
    is_only_shown,
    is_passed_elsewhere,
)
from services.agents.types.security.sql_strings import take_apart
from services.agents.types.security.sql_text import Slot, SqlValue, parametrized
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.contracts.base import Severity

# Names of expressions that give a piece of SQL rather than a value.
FRAGMENTS = re.compile(
    r"sql|query|clause|cond|where|column|col\b|field|table|order|expr|filter|set_|names\b|join"
    r"|values|placeholders|params|args|rows|items|fragment|ids\b"
)


def judge(spot: Spot) -> Judgement:
    """Fix texts that a known driver executes, whose slots are all surely values.

    Where all slots are constants of the program, nobody else has a say in the statement.
    """
    if is_of_constants(spot):
        return DISMISSED
    found = execution_of(spot) or executed_variable(spot)
    if found is None:
        return DISMISSED if is_passed_elsewhere(spot) or is_only_shown(spot) else ADVICE
    return _fixed(spot, found) if found.style else ADVICE


def _fixed(spot: Spot, found: Execution) -> Judgement:
    """Return the fix; advice where a slot may be something else than a value."""
    text = take_apart(spot.code.segment(found.text))
    statement = parametrized(text.parts) if text else None
    if text is None or statement is None or not all(map(_is_sure, statement.values)):
        return ADVICE
    edits = with_parameters(spot, found, text, statement)
    return Judgement(edits=edits) if edits else ADVICE


def _is_sure(value: SqlValue) -> bool:
    """Return whether a value is no piece of SQL: it is quoted, or its name speaks of none."""
    slots = [each.expression for each in value.parts if isinstance(each, Slot)]
    return value.quoted or not any(FRAGMENTS.search(each.lower()) for each in slots)


RULE = WeaknessRule(
    FixerDeclaration(
        rule="ruff:S608",
        phrase="pass values to SQL as parameters",
        severity=Severity.ERROR,
        commit_type="fix",
        behaviour=FixBehaviour(
            "what values mean that hold quotes or SQL, and values that are no text where the "
            "statement had quotes around them"
        ),
    ),
    judge,
    "A value in the text of a statement can end it and begin another one; a parameter cannot.",
    examples=(
        example(
            """
            from aiopg.connection import Connection


            async def create(conn: Connection, name: str):
                q = ("INSERT INTO students (name) "
                     "VALUES ('%(name)s')" % {'name': name})
                async with conn.cursor() as cur:
                    await cur.execute(q)
            """,
            """
            from aiopg.connection import Connection


            async def create(conn: Connection, name: str):
                q = ("INSERT INTO students (name) "
                     "VALUES (%s)")
                async with conn.cursor() as cur:
                    await cur.execute(q, (name,))
            """,
        ),
        example(
            """
            import sqlite3


            def get_db():
                return sqlite3.connect("a.db")


            def find(name, kind):
                return get_db().execute(
                    "SELECT a FROM t"
                    f" WHERE name = '{name}' AND"
                    " kind = '%s'"
                ).fetchall()


            def search(text):
                query = f"SELECT a FROM t WHERE b LIKE '{text}%'"
                cursor = get_db().cursor()
                cursor.execute(query)
                return cursor.fetchall()
            """,
            """
            import sqlite3


            def get_db():
                return sqlite3.connect("a.db")


            def find(name, kind):
                return get_db().execute(
                    "SELECT a FROM t"
                    " WHERE name = ? AND"
                    " kind = '%s'",
                    (name,)
                ).fetchall()


            def search(text):
                query = "SELECT a FROM t WHERE b LIKE ?"
                cursor = get_db().cursor()
                cursor.execute(query, (f"{text}%",))
                return cursor.fetchall()
            """,
        ),
        example(
            """
            from sqlalchemy import text


            def find(session, user, mail):
                return session.execute(
                    text(f"SELECT a FROM t WHERE b = '{user.name}' OR c = '{mail}'")
                ).all()
            """,
            """
            from sqlalchemy import text


            def find(session, user, mail):
                return session.execute(
                    text("SELECT a FROM t WHERE b = :name OR c = :mail"),
                    {"name": user.name, "mail": mail},
                ).all()
            """,
        ),
        example(
            """
            import sqlite3

            conn = sqlite3.connect(p)
            conn.execute(f"SELECT a FROM t WHERE b = '{b}' AND c > {c}")
            """,
            """
            import sqlite3

            conn = sqlite3.connect(p)
            conn.execute("SELECT a FROM t WHERE b = ? AND c > ?", (b, c))
            """,
        ),
        example(
            """
            import sqlite3

            conn = sqlite3.connect(p)
            cur = conn.cursor()
            cur.execute("DELETE FROM t WHERE b = '%s'" % b)
            """,
            """
            import sqlite3

            conn = sqlite3.connect(p)
            cur = conn.cursor()
            cur.execute("DELETE FROM t WHERE b = ?", (b,))
            """,
        ),
        example(
            """
            import psycopg2


            def f(b):
                with psycopg2.connect(p) as conn:
                    with conn.cursor() as cur:
                        cur.execute("SELECT a FROM t WHERE b = '" + b + "'")
            """,
            """
            import psycopg2


            def f(b):
                with psycopg2.connect(p) as conn:
                    with conn.cursor() as cur:
                        cur.execute("SELECT a FROM t WHERE b = %s", (b,))
            """,
        ),
        example(
            """
            import sqlite3


            def f(conn: sqlite3.Connection, b):
                conn.execute("SELECT a FROM t WHERE b LIKE '%{}%'".format(b))
            """,
            """
            import sqlite3


            def f(conn: sqlite3.Connection, b):
                conn.execute("SELECT a FROM t WHERE b LIKE ?", (f"%{b}%",))
            """,
        ),
        example(
            """
            import sqlite3

            conn = sqlite3.connect(p)
            conn.execute("INSERT INTO t VALUES ({}, '{}')".format(a, b))
            """,
            """
            import sqlite3

            conn = sqlite3.connect(p)
            conn.execute("INSERT INTO t VALUES (?, ?)", (a, b))
            """,
        ),
        example(
            """
            import sqlite3

            conn = sqlite3.connect(p)
            conn.execute(f"SELECT a FROM {t} WHERE b = 1")
            """,
        ),
    ),
    left_alone=(
        code(
            """
            import sqlite3

            TABLE = "t"
            sqlite3.connect(p).execute(f"SELECT a FROM {TABLE} WHERE b = 1")
            """
        ),
        code(
            """
            session.execute("SELECT a FROM {}".format(Person.__tablename__))
            """
        ),
        code(
            """
            import sqlite3

            conn = sqlite3.connect(p)
            conn.execute("SELECT a FROM t WHERE b = ?", (b,))
            """
        ),
        code(
            """
            import sqlite3

            conn = sqlite3.connect(p)
            conn.execute("SELECT a FROM t WHERE b = 1")
            """
        ),
        code(
            """
            log(f"select one of {names}")
            """
        ),
    ),
)
