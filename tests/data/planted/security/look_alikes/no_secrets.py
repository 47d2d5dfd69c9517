import os

PASSWORD_FIELD = "password"
TOKEN_URL = "https://login.example.com/oauth/token"
SECRET_NAME = "app/production/database"
TOKEN_HEADER = "X-Auth-Token"
password = os.environ["PASSWORD"]
token_type = "Bearer"
secret = ""
PASSWORD_HINT = "Please enter your new password twice"
DEFAULT_TOKEN = "<your-token>"
API_TOKEN = "${API_TOKEN}"


def connect(client, password_key="secret_key"):
    return client.connect(user="app", password=os.environ["DB_PASSWORD"], token="changeme")
