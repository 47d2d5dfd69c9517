"""SQL that goes to a driver by a method of the target or by Django is given parameters."""

import pytest

from services.agents.types.security.rule import example
from tests.unit.agents.security.support import a_source, findings, fixed

STORE = """
import sqlite3


class Store:
    def read(self, sql, params={}):
        con = None
        try:
            con = self._connect()
            cur = con.cursor()
            cur.execute(sql, params)
            return cur.fetchall()
        finally:
            con.close()

    def _connect(self):
        return sqlite3.connect(self.path)


store = Store()
"""
PAGE = """
def page(request, app):
    name = request.args.get("name")
    sql = f"SELECT a FROM t WHERE b LIKE '%{name}%'"
    rows = app.store.read(sql)
    return render_template("page.html", sql=sql, rows=rows)
"""
SAFE_PAGE = """
def page(request, app):
    name = request.args.get("name")
    sql = f"SELECT a FROM t WHERE b LIKE '%{name}%'"
    rows = app.store.read("SELECT a FROM t WHERE b LIKE ?", (f"%{name}%",))
    return render_template("page.html", sql=sql, rows=rows)
"""
APP = "from db import store\n\napp.store = store\n"
DJANGO = '[project]\nname = "m"\nversion = "1"\ndependencies = ["django"]\n'


def a_target(page=PAGE, **files):
    texts = {"db.py": STORE, "app.py": APP, **files}
    return a_source(page, **{each.replace("_py", ".py"): text for each, text in texts.items()})


def test_a_method_that_hands_parameters_on_is_given_them_and_what_is_shown_stays(tmp_path):
    source = a_target()
    assert fixed(tmp_path, source) == SAFE_PAGE
    assert findings(tmp_path, a_target(SAFE_PAGE)) == ()


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": "app.store = other\n"},
        {"app.py": "import store\n"},
        {"more.py": "for store in stores:\n    pass\n"},
        {"more.py": "def f(store):\n    store.read(1)\n"},
        {"more.py": "class Store:\n    pass\n"},
        {"more.py": "class Other:\n    def read(self, sql):\n        return sql\n"},
        {"db.py": STORE.replace("cur.execute(sql, params)", "cur.execute(sql.lower(), params)")},
        {"db.py": STORE.replace("con = None", "sql = tidy(sql)")},
        {"db.py": STORE.replace("sqlite3.connect(self.path)", "connect(self.path)")},
        {"db.py": STORE.replace("store = Store()", "store = make()")},
        {"db.py": STORE.replace("    def read", "    @cached\n    def read")},
    ],
    ids=str,
)
def test_where_it_may_be_another_method_or_driver_it_stays(tmp_path, files):
    source = a_target(**files)
    assert fixed(tmp_path, source) == PAGE
    assert [e.fixable for e in findings(tmp_path, source) if e.path == "m.py"] == ["no"]


@pytest.mark.parametrize(
    "page",
    [
        PAGE.replace("sql=sql", "sql=run(sql)"),
        PAGE.replace("return render_template", "name = 1\n    return render_template"),
        PAGE.replace("app.store.read(sql)", "app.store.read(sql, {})"),
        PAGE.replace("app.store.read(sql)", "app.store.read(sql), app.store.read(sql)"),
    ],
)
def test_where_the_text_may_be_used_otherwise_it_stays(tmp_path, page):
    assert fixed(tmp_path, a_target(page)) == page


def test_raw_queries_of_django_are_given_parameters(tmp_path):
    text = "from m.models import Person\n\n\ndef find(b):\n    return Person.objects.raw({})\n"
    source = a_source(text.format("f\"SELECT a FROM t WHERE b = '{b}'\""))
    assert fixed(tmp_path, source) == source.text("m.py")
    source = a_source(source.text("m.py"), **{"requirements.txt": "Django==4.2\n"})
    assert fixed(tmp_path, source) == text.format('"SELECT a FROM t WHERE b = %s", (b,)')


EXAMPLES = [
    example(
        """
        from django.db import connection


        def f(b):
            with connection.cursor() as cur:
                cur.execute("SELECT a FROM t WHERE b='" + b + "'AND c = 1")
        """,
        """
        from django.db import connection


        def f(b):
            with connection.cursor() as cur:
                cur.execute("SELECT a FROM t WHERE b=%s AND c = 1", (b,))
        """,
    ),
    example(
        """
        import sqlite3


        def f(b):
            query = f"SELECT a FROM t WHERE b = '{b}'"
            log.debug(query)
            rows = sqlite3.connect(p).execute(query)
            return render(rows, {"query": query})
        """,
        """
        import sqlite3


        def f(b):
            query = f"SELECT a FROM t WHERE b = '{b}'"
            log.debug(query)
            rows = sqlite3.connect(p).execute("SELECT a FROM t WHERE b = ?", (b,))
            return render(rows, {"query": query})
        """,
    ),
    example(
        """
        import sqlite3


        def f(b):
            query = f"SELECT a FROM t WHERE b = '{b}'"
            rows = sqlite3.connect(p).execute(query)
            return rows, run(query)
        """,
    ),
    example(
        """
        from mine.models import Person


        def f(b):
            return Person.objects.raw(f"SELECT a FROM t WHERE b = '{b}'")
        """,
    ),
]


@pytest.mark.parametrize("each", EXAMPLES)
def test_an_example_is_fixed_or_left_as_it_says(tmp_path, each):
    source = a_source(each.before)
    assert {found.code for found in findings(tmp_path, source)} == {"S608"}
    assert fixed(tmp_path, source) == (each.after or each.before)
    assert not each.after or findings(tmp_path, a_source(each.after)) == ()
