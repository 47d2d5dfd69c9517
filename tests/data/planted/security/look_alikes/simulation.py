import random


def walk(steps):
    position = 0
    for _ in range(steps):
        position += random.choice((-1, 1))
    return position


def sample_token(vocabulary, weights):
    token = random.choices(vocabulary, weights=weights)[0]
    return token


def jitter(delay):
    return delay * random.uniform(0.5, 1.5)


def sort_key(deck):
    key = random.randint(0, len(deck))
    return key
