"""What a set-up made in its tree is there in every run, as it is in a developer's checkout."""

import tarfile
from pathlib import Path

from services.validator.suite.domain.reports import Outcome
from tests.support.suites import a_run, reported

FILES = {
    "pkg/__init__.py": "",
    "test_version.py": "from pkg._version import VERSION\n\n\n"
    "def test_version():\n    assert VERSION == '1.2.0'\n",
}


async def test_a_suite_imports_what_the_set_up_wrote_beside_its_sources(tmp_path: Path):
    made, archive = tmp_path / "_version.py", tmp_path / "made.tar"
    made.write_text("VERSION = '1.2.0'\n")
    with tarfile.open(archive, "w") as files:
        files.add(made, "pkg/_version.py")
    outcome = reported(await a_run(tmp_path / "run", FILES, generated=archive))
    assert outcome.report.outcomes == {"test_version.py::test_version": Outcome.PASSED}
