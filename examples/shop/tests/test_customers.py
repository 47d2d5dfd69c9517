from shop.customers.accounts import avatar_url, reset_token
from shop.customers.preferences import preferences


def test_a_picture_is_found_whatever_the_case_of_the_address():
    assert avatar_url("Ada@Example.com ") == avatar_url("ada@example.com")
    assert avatar_url("ada@example.com", 32).endswith("?s=32")


def test_a_token_has_letters_and_digits_only():
    token = reset_token(40)
    assert len(token) == 40
    assert token.isalnum()
    assert token != reset_token(40)


def test_preferences_are_read_from_text():
    assert preferences("{'letters': True}") == {"letters": True}
