"""Changes that only seem to pass: new code that could forge the result, whatever the policy."""

import pytest

from services.validator.approval.domain import EditedFile, deceptive_reason
from services.validator.approval.introspection import new_introspection
from shared.targets.config import TargetConfig
from shared.targets.paths import is_protected
from shared.targets.shadowing import known_modules, shadowed_module

PRESENT = frozenset(
    {"shop/__init__.py", "shop/orders.py", "src/lib/__init__.py", "statistics.py", "json/data.txt"}
)
KNOWN = frozenset({"hmac", "json", "pytest", "statistics", "yaml", "groundswell_in_target", "lib"})


@pytest.mark.parametrize(
    "line",
    [
        "import gc",
        "import ctypes.util",
        "from builtins import open as o",
        "import sys as s; s.modules['x'] = 1",
        "from sys import modules",
        "getattr(sys, 'modules')",
        "sys.__dict__['modules']",
        "vars(sys)['modules']",
        "f = sys._getframe(1)",
        "inspect.currentframe()",
        "threading.settrace(f)",
        "sys.setprofile(f)",
        "exec(code)",
        "x = eval",
        "__builtins__['open'] = f",
        "import atexit",
        "os._exit(0)",
        "importlib.import_module('gc')",
        "__import__('sys').modules",
        "if sys.argv[0].endswith('x'): pass",
        "os.environ.get('PYTEST_CURRENT_TEST')",
        "os.getenv('TOX_ENV_NAME')",
        "sys.meta_path.insert(0, f)",
    ],
)
def test_new_code_that_reaches_into_its_interpreter_is_found(line):
    before = "import os, sys\n\ndef f():\n    return 1\n"
    after = before + line + "\n"
    assert new_introspection(before, after)
    assert deceptive_reason([EditedFile("m.py", before, after)]).startswith("it reaches into")
    assert not new_introspection(after, "# moved\n" + after)


@pytest.mark.parametrize(
    "line",
    [
        "import sys",
        "self.modules = []",
        "x.stack()",
        "df.eval('a')",
        "cursor.exec(sql)",
        "parser.argv[1]",
        "sys.argv[1:]",
        "# import gc, sys.modules, exec",
        "'sys.modules'",
        "obj.__dict__",
        "sys.exit(1)",
        "os.environ['SHOP_URL']",
        "getattr(order, 'modules')",
    ],
)
def test_ordinary_code_is_not(line):
    assert not new_introspection("import os\n", f"import os\n{line}\n")


def test_code_of_another_python_is_read_by_lines():
    assert new_introspection("print 'x'\n", "print 'x'\nsys.modules['x'] = 1\n")
    assert not new_introspection("print 'x'\n", "print 'y'\n")


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("hmac.py", "hmac"),
        ("src/hmac.py", "hmac"),
        ("scripts/json.py", "json"),
        ("hmac/__init__.py", "hmac"),
        ("json/__init__.py", "json"),
        ("pytest.py", "pytest"),
        ("groundswell_in_target/__init__.py", "groundswell_in_target"),
        ("shop/hmac.py", ""),
        ("shop/json/__init__.py", ""),
        ("src/lib/yaml.py", ""),
        ("statistics.py", ""),
        ("shop.py", ""),
        ("hmac.txt", ""),
    ],
)
def test_a_new_file_that_shadows_a_module_is_found(path, module):
    assert shadowed_module(path, PRESENT, KNOWN) == module
    reason = deceptive_reason([EditedFile(path, "", "x = 1\n", shadows=module)])
    assert reason == (f"{path} would be imported in place of the module {module}" if module else "")


def test_the_modules_of_python_and_of_an_environment_are_known(tmp_path):
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    for name in ("yaml", "attr", "typing_extensions.py", "_cffi.cpython-311-x86_64-linux-gnu.so"):
        (packages / name).mkdir(parents=True)
    known = known_modules(tmp_path)
    assert {"hmac", "yaml", "attr", "typing_extensions", "_cffi", "groundswell_in_target"} <= known


@pytest.mark.parametrize(
    "path",
    [
        *("shop.egg-info/PKG-INFO", "src/shop.egg-info/entry_points.txt", "x.dist-info/METADATA"),
        *("evil.pth", "src/evil.pth", "sitecustomize/__init__.py", "usercustomize.py"),
        *("node_modules/jest/index.js", "shop.egg-link"),
    ],
)
def test_what_python_and_its_tools_load_by_name_is_protected(path):
    assert is_protected(path, TargetConfig())
