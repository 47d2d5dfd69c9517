"""What the validator's use cases work with, of which a test gives only what it is about."""

from pathlib import Path
from typing import Any

from services.validator.deps import ProcessState, ValidatorDeps
from shared.kernel.ids import uuid7
from shared.machine.slots import MachineSlots, ensure_private
from shared.mongo.collections import Store
from shared.mongo.leadership import Leadership
from shared.sandbox.choice import NoSandbox
from tests.support.buses import RecordingBus
from tests.support.programs import ProgramsHere
from tests.support.stores import Watch


def a_validator(store: Store, home: Path, **given: Any) -> ValidatorDeps:
    known = {
        "identity": uuid7(),
        "runner": f"here/1/{uuid7()}",
        "slots": MachineSlots(ensure_private(home / "slots"), (0, 1)),
        "bus": RecordingBus(),
        "repository": None,
        "remote": None,
        "forge": None,
        "environments": None,
        "suite": None,
        "detectors": None,
        "history": None,
        "mutation_runner": None,
        "programs": ProgramsHere(),
        "sandbox": NoSandbox(()),
        "clock": Watch(),
        "new_id": uuid7,
        "process": ProcessState(),
    }
    known |= given
    known.setdefault(
        "leadership", Leadership(store.leader_leases, known["identity"], home / "leadership")
    )
    return ValidatorDeps(store=store, home=home, **known)
