"""Imported by the fork server: the bundled agent types, which most services need sooner or later.

Types of other packages are left to the services. Importing them may do anything, such as starting
a thread, which no fork would have.
"""

from importlib import import_module
from importlib.metadata import entry_points

from shared.kernel.extensions import AGENT_TYPES_GROUP

BUNDLED = "services."


def import_bundled_types() -> None:
    """Import the modules of the registered agent types that are part of Groundswell."""
    for each in entry_points(group=AGENT_TYPES_GROUP):
        if each.value.startswith(BUNDLED):
            import_module(each.module)


import_bundled_types()
