"""import-linter itself keeps the contract that is added, and breaks it where there is a cycle."""

import subprocess
import sys

import pytest

from services.agents.types.architecture import SPEC
from shared.detectors.imports.contracts import contract_text
from tests.support.architecture import a_source, changed, proposals
from tests.support.planted import planted

[MISSING] = [e for e in planted(SPEC.name, "problems") if e.name == "contract-missing"]
LINT = (
    "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
)
SETTINGS = {
    "pyproject.toml": '[tool.importlinter]\nroot_package = "shop"\n',
    ".importlinter": "[importlinter]\nroot_package = shop\n",
}


@pytest.fixture
def lint(tmp_path):
    """Run import-linter on a target, and return its exit code."""

    def lint(files):
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(exist_ok=True, parents=True)
            (tmp_path / path).write_text(text)
        command = [sys.executable, "-c", LINT]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode

    return lint


def test_the_proposed_contract_is_kept(lint):
    made = proposals(a_source(MISSING.files))
    assert lint(changed(MISSING.files, made)) == 0


@pytest.mark.parametrize("path", SETTINGS)
@pytest.mark.parametrize("is_cyclic", [True, False])
def test_a_contract_for_either_file_finds_a_cycle(lint, path, is_cyclic):
    back = "from shop import b" if is_cyclic else ""
    modules = {"shop/a.py": back, "shop/b.py": "import shop.a", "shop/__init__.py": ""}
    settings = SETTINGS[path] + contract_text(path, "shop")
    assert lint({**modules, path: settings}) == int(is_cyclic)
