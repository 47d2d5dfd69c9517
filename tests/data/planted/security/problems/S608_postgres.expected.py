import psycopg2


def find(dsn, mail):
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM users WHERE mail = %s AND active = true", (mail,))
        return cursor.fetchone()
