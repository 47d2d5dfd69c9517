"""docker-compose.yml and the Dockerfile say nothing that the code does not know."""

import importlib.util
import re
import subprocess
import sys

import pytest
import yaml
from pydantic import SecretStr

from deploy.credentials import NATS_USERS, compose_variables
from deploy.programs import SERVICES
from services.agents.settings import AgentsSettings
from services.api.settings import ApiSettings
from services.coordinator.settings import CoordinatorSettings
from services.resolver.settings import ResolverSettings
from services.validator.settings import ValidatorSettings
from tests.support.stack import ROOT

SETTINGS = {
    "agents": AgentsSettings,
    "api": ApiSettings,
    "coordinator": CoordinatorSettings,
    "resolver": ResolverSettings,
    "validator": ValidatorSettings,
}
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
PREFIX = "GROUNDSWELL_"
SECRETS = dict(each.split("=") for each in compose_variables().split())


def service(name):
    return COMPOSE["services"][name]


def filled(text):
    """As `docker compose` fills it in from the file that deploy.credentials makes."""
    return re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: SECRETS[found[1]], text)


def strings(node):
    if isinstance(node, dict | list):
        for each in node.values() if isinstance(node, dict) else node:
            yield from strings(each)
    elif isinstance(node, str):
        yield node


def mounts(name):
    return {each.split(":")[1]: each.split(":")[0] for each in service(name).get("volumes", ())}


def test_all_five_services_are_there_and_nothing_unknown():
    assert set(COMPOSE["services"]) == {*SERVICES, "prepare", "nats", "mongo"}
    assert set(SETTINGS) == set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_the_command_is_a_module_that_exists(name):
    assert service(name)["command"] == ["python", "-m", f"services.{name}"]
    assert importlib.util.find_spec(f"services.{name}.__main__")


@pytest.mark.parametrize("name", SERVICES)
def test_every_variable_is_a_setting_and_its_value_is_valid(name, monkeypatch):
    variables = service(name)["environment"]
    known = {f"{PREFIX}{field.upper()}" for field in SETTINGS[name].model_fields}
    assert set(variables) <= known
    # What has no value there comes from who starts it.
    variables = {key: filled(str(value)) for key, value in variables.items() if value is not None}
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    settings = SETTINGS[name]()
    for key, value in variables.items():
        told = getattr(settings, key.removeprefix(PREFIX).lower())
        told = told.get_secret_value() if isinstance(told, SecretStr) else told
        told = ",".join(told) if isinstance(told, tuple) else told
        assert str(told).lower() == value.lower()


@pytest.mark.parametrize("name", SERVICES)
def test_whoever_has_a_home_mounts_it(name):
    has_home = "home" in SETTINGS[name].model_fields
    assert ("/var/lib/groundswell" in mounts(name)) == has_home
    if has_home:
        assert service(name)["environment"]["GROUNDSWELL_HOME"] in mounts(name)
        assert mounts(name)["/var/lib/groundswell"] in COMPOSE["volumes"]


def test_exactly_one_service_provisions():
    provisioning = [n for n in SERVICES if "GROUNDSWELL_PROVISION" in service(n)["environment"]]
    assert provisioning == ["coordinator"]


def test_the_urls_name_the_servers_of_this_file_and_each_service_has_its_own_user():
    for name in SERVICES:
        variables = service(name)["environment"]
        password = SECRETS[f"GROUNDSWELL_NATS_PASSWORD_{name.upper()}"]
        nats = filled(variables["GROUNDSWELL_NATS_URL"])
        assert nats == f"nats://{name}:{password}@nats:4222"
        mongo = filled(variables["GROUNDSWELL_MONGO_URL"])
        password = SECRETS["GROUNDSWELL_MONGO_PASSWORD"]
        assert mongo.startswith(f"mongodb://groundswell:{password}@mongo:27017/?replicaSet=rs0&")
    assert "mongod --replSet rs0 --bind_ip_all --keyFile" in service("mongo")["entrypoint"][-1]
    assert '_id: "rs0"' in service("mongo")["healthcheck"]["test"][-1]


def test_no_server_starts_without_a_password_and_the_file_that_is_made_has_them_all():
    needed = {name for each in strings(COMPOSE) for name in re.findall(r"\$\{(\w+):\?", each)}
    assert needed == set(SECRETS)
    assert not {each for each in strings(COMPOSE) if re.search(r"\$\{\w+\}", each)}
    assert all(len(each) > 40 for each in SECRETS.values())
    assert len(set(SECRETS.values())) == len(SECRETS)
    given = service("nats")["environment"]
    assert {f"{PREFIX}NATS_PASSWORD_{each.upper()}" for each in NATS_USERS} == set(given)
    accounts = (ROOT / "deploy" / "nats" / "accounts.conf").read_text()
    assert set(re.findall(r"password: \$(\w+)", accounts)) == set(given)
    assert ".env" in (ROOT / ".gitignore").read_text().split()


def test_ports_are_those_that_are_listened_on_and_on_loopback_only():
    published = {n: s["ports"] for n, s in COMPOSE["services"].items() if "ports" in s}
    assert published == {"nats": ["127.0.0.1:4222:4222"], "api": ["127.0.0.1:8420:8420"]}
    assert service("api")["environment"]["GROUNDSWELL_API_PORT"] == "8420"
    assert ApiSettings.model_fields["api_port"].default == 8420
    assert "EXPOSE 8420" in DOCKERFILE


def test_nats_has_a_configuration_that_it_accepts(tmp_path):
    source = next(each for each in service("nats")["volumes"] if "/etc/nats" in each)
    folder, place, mode = source.split(":")
    assert mode == "ro"
    assert service("nats")["command"] == ["-c", f"{place}/nats.conf"]
    path = f"{folder}/nats.conf"
    text = (ROOT / path).read_text()
    assert "sync_interval: always" in text
    assert re.search(r"store_dir: (\S+)", text)[1] in mounts("nats")
    assert re.search(r"^port: 4222$", text, re.MULTILINE)
    assert "http_port: 8222" in text
    assert "8222/healthz" in service("nats")["healthcheck"]["test"][-1]
    for conf in (ROOT / path, ROOT / "deploy" / "nats" / "embedded.conf"):
        server = f"{sys.prefix}/bin/nats-server"
        done = subprocess.run(
            [server, "-t", "-c", conf], env=SECRETS, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_the_health_check_asks_that_very_service(name):
    check = service(name)["healthcheck"]["test"]
    assert check == ["CMD", "python", "-m", "deploy.healthcheck", name]
    done = subprocess.run(
        [sys.executable, *check[2:]],
        env={"GROUNDSWELL_NATS_URL": "nats://127.0.0.1:1"},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1


@pytest.mark.parametrize("name", [*SERVICES, "nats", "mongo"])
def test_nothing_runs_as_root_nor_gains_privileges(name):
    assert service(name)["user"].partition(":")[0] not in {"", "0", "root"}
    assert service(name)["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service(name)["security_opt"]


def test_the_image_has_what_the_commands_need():
    assert re.search(r"^USER 1000:1000$", DOCKERFILE, re.MULTILINE)
    assert "requirements/runtime.txt" in DOCKERFILE
    assert "--require-hashes" in DOCKERFILE
    copied = set(re.findall(r"^COPY (\S+) \S+$", DOCKERFILE, re.MULTILINE))
    assert copied == {"requirements/runtime.txt", "shared", "services", "deploy", "cli"}
    allowed = (ROOT / ".dockerignore").read_text()
    assert all(f"!{each}" in allowed for each in copied)
    assert all((ROOT / each).exists() for each in copied)


def test_the_services_wait_for_healthy_servers():
    for name in SERVICES:
        needs = service(name)["depends_on"]
        assert needs["nats"] == needs["mongo"] == {"condition": "service_healthy"}
