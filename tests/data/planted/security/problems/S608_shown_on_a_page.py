import sqlite3

from flask import render_template


def get_db():
    return sqlite3.connect("shop.db")


def search(request):
    term = request.args.get("q")
    sql = f"SELECT id FROM products WHERE name LIKE '%{term}%'"
    conn = get_db()
    rows = conn.execute(sql)
    return render_template("search.html", sql=sql, rows=rows)
