import hashlib


def store_password(user, password):
    user.password_hash = hashlib.md5((user.salt + password).encode()).hexdigest()
