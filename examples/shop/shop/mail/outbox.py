"""Letters that wait to be sent."""

from shop.mail import letters


class Outbox:
    """Letters in the order they were written."""

    def __init__(self):
        self.letters = []

    def write(self, customer, text):
        letter = letters.Letter(customer, text)
        letter.put_into(self)
        return letter

    def send(self, transport):
        """Hand all letters to a transport, and return how many there were."""
        sent = len(self.letters)
        for letter in self.letters:
            transport(str(letter))
        self.letters = []
        return sent
