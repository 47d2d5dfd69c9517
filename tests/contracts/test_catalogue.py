"""docs/messages.md says what the code does."""

from services.coordinator.handlers import answers as of_the_coordinator
from services.resolver.handlers import answers as of_the_resolver
from shared.contracts.catalogue import PAGE, RPC, page


def test_the_page_is_the_generated_one():
    assert PAGE.read_text() == page(), "run python -m shared.contracts.catalogue"


def test_every_request_that_is_answered_is_in_it():
    served = {
        (each.request, each.response, name)
        for name, endpoints in (
            ("coordinator", of_the_coordinator(None)),
            ("resolver", of_the_resolver(None)),
        )
        for each in endpoints
    }
    assert served == set(RPC)
