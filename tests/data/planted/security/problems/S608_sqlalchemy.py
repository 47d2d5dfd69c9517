from sqlalchemy import create_engine, text

engine = create_engine("sqlite://")


def accounts(owner):
    with engine.connect() as connection:
        return connection.execute(text(f"SELECT id FROM accounts WHERE owner = '{owner}'")).all()
