"""Packages for installers: wheels made on the spot, and a build backend that needs none."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

# Installs a project as its pyproject.toml declares it, editable, and imported from its own folder.
BACKEND = """
import os, pathlib, sys, tomllib, zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
    version = project.get("version") or os.environ["SETUPTOOLS_SCM_PRETEND_VERSION"]
    name, text = project["name"], "Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n"
    metadata = text % (name, version)
    metadata += "".join("Requires-Dist: %s\\n" % each for each in project.get("dependencies", ()))
    for extra, wanted in project.get("optional-dependencies", {}).items():
        metadata += "Provides-Extra: %s\\n" % extra
        metadata += "".join("Requires-Dist: %s; extra == %r\\n" % (e, extra) for e in wanted)
    groups = {"console_scripts": project.get("scripts", {}), **project.get("entry-points", {})}
    entries = "".join(
        "[%s]\\n%s\\n" % (group, "".join("%s = %s\\n" % each for each in named.items()))
        for group, named in groups.items()
    )
    info, file = "%s-%s.dist-info/" % (name, version), "%s-%s-py3-none-any.whl" % (name, version)
    kind = "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files = {"METADATA": metadata, "WHEEL": kind, "entry_points.txt": entries, "RECORD": ""}
    with zipfile.ZipFile(os.path.join(wheel_directory, file), "w") as wheel:
        wheel.writestr("_%s.pth" % name, os.getcwd())
        for each, content in files.items():
            wheel.writestr(info + each, content)
    return file

__legacy__ = sys.modules[__name__]
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def a_wheel(
    folder: Path, version: str, name: str = "thing", modules: Mapping[str, str] | None = None
) -> None:
    """A package with these modules, else with one of its name that says its version."""
    info = f"{name}-{version}.dist-info"
    files = {
        **({f"{name}.py": f"VERSION = {version!r}\n"} if modules is None else modules),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": WHEEL,
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


def a_setuptools(folder: Path) -> None:
    """What stands in for setuptools where a project names no build system."""
    modules = {"setuptools/__init__.py": "", "setuptools/build_meta.py": BACKEND}
    a_wheel(folder, "99.0", "setuptools", modules)
