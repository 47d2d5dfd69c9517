from shop.mail import Outbox


def test_letters_are_sent_in_the_order_they_were_written():
    outbox, sent = Outbox(), []
    outbox.write("Ada", "Your order is on its way.")
    outbox.write("Grace", "Thank you.")
    assert outbox.send(sent.append) == 2
    assert sent == ["Dear Ada,\nYour order is on its way.", "Dear Grace,\nThank you."]
    assert outbox.send(sent.append) == 0


def test_a_letter_can_be_html():
    letter = Outbox().write("Ada & Co", "Hello.")
    assert letter.html() == "<p>Dear Ada &amp; Co,\nHello.</p>"
