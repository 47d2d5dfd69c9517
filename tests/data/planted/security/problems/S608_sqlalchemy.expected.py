from sqlalchemy import create_engine, text

engine = create_engine("sqlite://")


def accounts(owner):
    with engine.connect() as connection:
        return connection.execute(
            text("SELECT id FROM accounts WHERE owner = :owner"), {"owner": owner}
        ).all()
