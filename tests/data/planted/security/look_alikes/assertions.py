from typing import Any


def area(width: float, height: float) -> float:
    assert width > 0, "callers check this"
    return width * height


def name_of(user: Any) -> str:
    assert user is not None
    assert isinstance(user.permissions, list)
    return str(user.name)
