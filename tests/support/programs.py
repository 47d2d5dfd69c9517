"""Compares programs in this process, under the Python that runs the tests."""

import platform

from services.validator.proof.comparison.compare import Comparer
from services.validator.proof.ports import ComparedPrograms
from shared.kernel import syntax


class ProgramsHere:
    async def compare(self, pairs, requires_python):
        comparer = Comparer()
        # Other threads may parse at the same time.
        with syntax._PARSER_LOCK:
            forms = tuple(comparer.compare(*pair) for pair in pairs)
        return ComparedPrograms((f"CPython {platform.python_version()}",), forms)
