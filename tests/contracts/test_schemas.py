"""Schema goldens: a contract changes on purpose or not at all.

`python -m tests.contracts.test_schemas` writes them anew; a removed or retyped field is not an
update but a new type (STYLE, habit 2).
"""

import importlib
import inspect
import json
import pkgutil
from pathlib import Path

import pytest
from pydantic import BaseModel

from shared.contracts import (
    answers,
    commands,
    documents,
    events,
    health,
    report,
    story,
    views,
    work,
)
from shared.contracts.base import Message

GOLDENS = Path(__file__).parent / "goldens"


MODULES = (
    health,
    report,
    story,
    work,
    *(
        importlib.import_module(f"{package.__name__}.{each.name}")
        for package in (answers, commands, documents, events, views)
        for each in pkgutil.iter_modules(package.__path__)
    ),
)


def contracts() -> dict[str, type[BaseModel]]:
    return {
        name: each
        for module in MODULES
        for name, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, BaseModel) and each.__module__ == module.__name__
    }


def golden(name: str) -> Path:
    return GOLDENS / f"{name}.json"


@pytest.mark.parametrize("name", sorted(contracts()))
def test_the_schema_is_the_golden_one(name):
    schema = contracts()[name].model_json_schema()
    assert golden(name).exists(), "a new contract: run python tests/contracts/test_schemas.py"
    assert schema == json.loads(golden(name).read_text())


def test_no_golden_is_left_over():
    assert {path.stem for path in GOLDENS.glob("*.json")} == set(contracts())


def test_every_message_has_a_subject_of_its_own():
    subjects = [
        each.subject
        for each in contracts().values()
        if issubclass(each, Message) and hasattr(each, "subject")
    ]
    assert len(subjects) == len(set(subjects))


def write() -> None:
    GOLDENS.mkdir(exist_ok=True)
    for old in GOLDENS.glob("*.json"):
        old.unlink()
    for name, each in contracts().items():
        golden(name).write_text(
            json.dumps(each.model_json_schema(), indent=1, sort_keys=True) + "\n"
        )


if __name__ == "__main__":
    write()
