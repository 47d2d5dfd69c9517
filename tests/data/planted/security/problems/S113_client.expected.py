import json

import requests

BASE = "https://api.example.com"


class Client:
    def __init__(self, key):
        self.headers = {"X-Key": key}

    def orders(self):
        return requests.get(f"{BASE}/orders", headers=self.headers, timeout=60).json()

    def cancel(self, order, reason):
        answer = requests.post(
            f"{BASE}/orders/{order}/cancel",
            headers=self.headers,
            data=json.dumps({"reason": reason}),
            timeout=60,
        )
        answer.raise_for_status()
