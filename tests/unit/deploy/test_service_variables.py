"""Each service is told what it has to know, and no secret of another one."""

from collections import defaultdict

import pytest

from deploy.credentials import Credentials
from deploy.homes import Stack
from deploy.programs import SERVICES, service_variables
from services.validator.main import _make_workflow_server
from services.validator.settings import ValidatorSettings
from shared.kernel.errors import Rejected

SECRETS = ("GROUNDSWELL_FORGE_TOKEN", "GROUNDSWELL_N8N_API_KEY")
STACK = Stack("http://h:1", "nats://h:2", "mongodb://h:3", "/home", 1, "apikey")
CREDENTIALS = Credentials("apikey", "m", defaultdict(lambda: "n"))


@pytest.mark.parametrize("name", SERVICES)
def test_only_the_validator_inherits_the_secrets_of_other_servers(name):
    variables = service_variables(name, STACK, CREDENTIALS)
    emptied = [each for each in SECRETS if variables.get(each) == ""]
    assert emptied == ([] if name == "validator" else list(SECRETS))


def test_an_n8n_needs_both_an_address_and_a_key():
    def server(url, key):
        return _make_workflow_server(ValidatorSettings(n8n_url=url, n8n_api_key=key))

    assert server("", "") is None
    assert server("http://127.0.0.1:5678", "key") is not None
    for url, key in (("http://127.0.0.1:5678", ""), ("", "key")):
        with pytest.raises(Rejected, match="n8n's"):
            server(url, key)


def test_the_key_is_in_no_text_of_the_settings():
    settings = ValidatorSettings(n8n_url="http://127.0.0.1:5678", n8n_api_key="s3cret")
    assert "s3cret" not in repr(settings) + settings.model_dump_json()
