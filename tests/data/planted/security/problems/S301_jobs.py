import pickle


def receive(channel):
    return pickle.loads(channel.recv())
