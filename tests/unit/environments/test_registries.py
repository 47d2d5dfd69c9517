"""What pip was told about registries is told to uv; what we can lend is not fetched."""

import platform

import pytest

from shared.environments import registries
from shared.environments.pytest_copy import is_provided
from shared.environments.registries import parse_pip_config, referenced_paths, uv_variables

HERE = platform.python_version()


def test_pips_words_in_uvs(tmp_path):
    said = (
        "global.index-url='https://mirror.example/simple'\n"
        "global.extra-index-url='https://a.example/simple\\nhttps://b.example/simple'\n"
        f"install.find-links='{tmp_path} /not/there https://c.example/wheels'\n"
        "global.cert='/etc/my.pem'\n"
        "global.trusted-host='mirror.example'\n"
        "global.proxy='http://proxy.example:3128'\n"
        "global.disable-pip-version-check='1'\n"
        "freeze.timeout='10'\n"
    )
    assert parse_pip_config(said) == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX": "https://a.example/simple https://b.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": f"{tmp_path},https://c.example/wheels",
        "SSL_CERT_FILE": "/etc/my.pem",
        "UV_INSECURE_HOST": "mirror.example",
        "ALL_PROXY": "http://proxy.example:3128",
    }


def test_nothing_said_is_nothing_told():
    assert parse_pip_config("") == {}
    assert parse_pip_config("WARNING: something\nglobal.no-index='false'\n") == {}


async def test_uvs_own_variables_win():
    told = await uv_variables({"UV_DEFAULT_INDEX": "https://mine.example", "SECRET": "x"})
    assert told["UV_DEFAULT_INDEX"] == "https://mine.example"
    assert "SECRET" not in told


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_NO_INDEX"])
async def test_pips_configuration_does_not_mix_with_what_uv_is_told(name, monkeypatch):
    async def configured():
        return "global.index-url='https://pips.example'\nglobal.find-links='https://b.example'\n"

    monkeypatch.setattr(registries, "_pip_config", configured)
    assert (await uv_variables({}))["UV_DEFAULT_INDEX"] == "https://pips.example"
    told = await uv_variables({name: "1"})
    assert {each: told.get(each) for each in (name, "UV_FIND_LINKS")} == {
        name: "1",
        "UV_FIND_LINKS": None,
    }


SECRETS = {
    "UV_PUBLISH_TOKEN": "pypi-secret",
    "UV_PUBLISH_PASSWORD": "secret",
    "UV_INDEX_PRIVATE_PASSWORD": "secret",
    "UV_CONFIG_FILE": "/home/me/uv.toml",
    "UV_CACHE_DIR": "/home/me/.cache/uv",
    "UV_KEYRING_PROVIDER": "subprocess",
    "UV_GITHUB_TOKEN": "ghp_secret",
    "PIP_CONFIG_FILE": "/home/me/pip.conf",
    "PIP_CLIENT_CERT": "/home/me/key.pem",
    "PIP_KEYRING_PROVIDER": "subprocess",
    "SSL_CLIENT_CERT": "/home/me/key.pem",
    "npm_config__authToken": "npm_secret",
    "NPM_TOKEN": "npm_secret",
    "GROUNDSWELL_NATS_URL": "nats://validator:secret@127.0.0.1:1",
    "GROUNDSWELL_MONGO_URL": "mongodb://groundswell:secret@127.0.0.1:1",
    "GROUNDSWELL_FORGE_TOKEN": "secret",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "X_UV_INDEX": "secret",
}
WANTED = {
    "UV_INDEX_URL": "https://mirror.example/simple",
    "PIP_EXTRA_INDEX_URL": "https://b.example/simple",
    "npm_config_registry": "https://npm.example",
    "SSL_CERT_FILE": "/etc/my.pem",
    "https_proxy": "http://proxy.example:3128",
}


async def test_a_set_up_step_learns_where_packages_are_and_no_secret():
    told = await uv_variables({**SECRETS, **WANTED})
    assert WANTED.items() <= told.items()
    assert not SECRETS.keys() & told.keys()
    assert not {each for each in told.values() if "secret" in each or "/home/me" in each}


async def test_more_variables_reach_it_only_by_name():
    more = {**SECRETS, "GROUNDSWELL_SETUP_VARIABLES": "UV_INDEX_PRIVATE_PASSWORD, NPM_TOKEN"}
    told = await uv_variables(more)
    assert told.keys() & SECRETS.keys() == {"UV_INDEX_PRIVATE_PASSWORD", "NPM_TOKEN"}
    assert "GROUNDSWELL_SETUP_VARIABLES" not in told


@pytest.mark.parametrize(
    ("requirement", "lent"),
    [
        ("pytest", True),
        ("pytest>=8", True),
        ("pluggy", True),
        ("pytest<5", False),
        ("pytest[dev]", False),
        ("attrs-that-nobody-has", False),
        ("attrs-that-nobody-has; python_version < '3'", True),
        ("pytest @ https://elsewhere.example/p.whl", False),
    ],
)
def test_what_we_can_lend(requirement, lent):
    assert is_provided(requirement, HERE) == lent


def test_the_files_beside_an_index_in_files_are_shown_and_nothing_else_is(tmp_path):
    for each in ("simple", "files", "secrets"):
        (tmp_path / each).mkdir()
    found = referenced_paths({"UV_INDEX": f"file://{tmp_path}/simple file://{tmp_path}/missing"})
    assert found == (tmp_path / "simple", tmp_path / "files")
