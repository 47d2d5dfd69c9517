import pytest

from tests.support.stack import Home


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """A stack that is up, for the tests of a module."""
    with Home(tmp_path_factory.mktemp("home")).up() as home:
        yield home


@pytest.fixture
def home(tmp_path):
    """A home without a stack."""
    return Home(tmp_path / "home")
