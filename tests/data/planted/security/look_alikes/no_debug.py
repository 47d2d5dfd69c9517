import asyncio
import os

from flask import Flask

app = Flask(__name__)


async def main():
    await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(main(), debug=True)
    app.run(debug=bool(os.environ.get("DEBUG")))
