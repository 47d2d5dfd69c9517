import os

REGION = os.environ.get("REGION", "eu")
API_SECRET = "planted-4f9a71c2d8e35b60"
