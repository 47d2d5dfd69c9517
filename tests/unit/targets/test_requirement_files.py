"""Requirement files as pip reads them."""

from shared.targets.declared.requirement_file import read_requirement_files
from tests.support.trees import FakeTree


def test_everything_that_pip_knows_is_read_or_named():
    tree = FakeTree(
        {
            "requirements.txt": "\ufeff-r deps/base.txt\n"
            "-c limits.txt  # not to install\n"
            "-e ./libs/core[fast]\n"
            "-e .[extra]\n"
            "--extra-index-url https://packages.example.org/simple\n"
            "-e git+https://example.org/tool.git@v1#egg=tool\n"
            "six==1.16 \\\n    --hash=sha256:abc\n"
            'tomli ; python_version < "3.11"\n'
            "legacy>=1.0.*\n"
            "../outside\n"
            "--index-url https://${TOKEN}@private.example.org/\n"
            "-r missing.txt\n",
            "deps/base.txt": "attrs\n-r more.txt\n",
            "deps/more.txt": "idna\n-r base.txt\n",
            "limits.txt": "six<2\n",
            "libs/core/pyproject.toml": "",
            "setup.py": "",
        }
    )
    found = read_requirement_files(tree, ("requirements.txt",))
    assert found.requirements == (
        "attrs",
        "idna",
        "tool @ git+https://example.org/tool.git@v1",
        "six==1.16",
        'tomli ; python_version < "3.11"',
        "legacy",
    )
    assert found.constraints == ("six<2",)
    assert found.folders == ("libs/core[fast]", ".[extra]")
    assert found.options == ("--extra-index-url https://packages.example.org/simple",)
    assert found.files == ("requirements.txt", "deps/base.txt", "deps/more.txt", "limits.txt")
    assert [each.partition(" ")[0] for each in found.notes] == [
        "legacy>=1.0.*",
        "../outside",
        "--index-url",
        "missing.txt",
    ]


def test_a_path_in_a_nested_file_may_be_beside_that_file():
    tree = FakeTree({"app/requirements.txt": "-e .\n", "app/setup.py": ""})
    assert read_requirement_files(tree, ("app/requirements.txt",)).folders == ("app",)
