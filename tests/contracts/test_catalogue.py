"""docs/messages.md says what the code does."""

import json

import pytest

from services.api.handlers import answers as of_the_api
from services.coordinator.handlers import answers as of_the_coordinator
from services.resolver.handlers import answers as of_the_resolver
from shared.contracts.catalogue import PAGE, RPC, page

SERVICES = {
    "api": of_the_api(None),
    "coordinator": of_the_coordinator(None),
    "resolver": of_the_resolver(None),
}
# What `$SRV.INFO` answers is one message, of which NATS takes 1 MB.
MAX_INFO_BYTES = 500_000


def test_the_page_is_the_generated_one():
    assert PAGE.read_text() == page(), "run python -m shared.contracts.catalogue"


def test_every_request_that_is_answered_is_in_it():
    served = {
        (each.request, each.response, name)
        for name, endpoints in SERVICES.items()
        for each in endpoints
    }
    assert served == set(RPC)


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_tells_of_its_requests_fits_into_a_message(service):
    told = [each.schemas for each in SERVICES[service]]
    assert len(json.dumps(told)) < MAX_INFO_BYTES
    for each, schemas in zip(SERVICES[service], told, strict=True):
        assert json.loads(schemas["request"])["title"] == each.request.__name__
        assert json.loads(schemas["response"])["title"] == each.response.__name__
