"""What pip was told on this machine about registries and certificates, in uv's variables.

uv reads no pip configuration; a machine that has only a mirror would work for pip and not for it.
"""

import ast
import asyncio
import os
import re
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

from shared.kernel.syntax import parse_expression

# What a registry's client has to know of this machine; all else stays behind.
INHERITED = re.compile(
    r"(UV|PIP)_.*|npm_config_(registry|cafile|https?_proxy|noproxy)|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE|(HTTPS?|ALL|NO)_PROXY",
    re.IGNORECASE,
)
INDEX, FILES = "simple", ("files", "packages")
LINE = re.compile(r"^(?:global|install|:env:)\.([a-z-]+)=(.*)$")


async def uv_variables(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Uv's own variables where they are set, else what pip was told, else the system's certificates."""
    told = read_pip(await _pip_config())
    inherited = {name: value for name, value in environ.items() if INHERITED.fullmatch(name)}
    certificates = {} if _names_certificates({**told, **inherited}) else system_certificates()
    return {**certificates, **told, **inherited}


async def _pip_config() -> str:
    """`pip config list` of the Python we run on; empty where there is no pip."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "pip", "config", "list"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    said, _ = await process.communicate()
    return said.decode(errors="replace") if process.returncode == 0 else ""


def read_pip(said: str) -> dict[str, str]:
    """The lines of `pip config list` as uv's variables. Later lines are nearer, and win."""
    options: dict[str, str] = {}
    for line in said.splitlines():
        if found := LINE.match(line):
            options[found[1]] = _text(found[2])
    links = [each for each in options.get("find-links", "").split() if _is_there(each)]
    variables = {
        "UV_DEFAULT_INDEX": options.get("index-url", ""),
        "UV_INDEX": " ".join(options.get("extra-index-url", "").split()),
        "UV_FIND_LINKS": ",".join(links),
        "UV_INSECURE_HOST": " ".join(options.get("trusted-host", "").split()),
        "UV_NO_INDEX": "1" if options.get("no-index", "").lower() in {"1", "true", "yes"} else "",
        "SSL_CERT_FILE": options.get("cert", ""),
        "ALL_PROXY": options.get("proxy", ""),
    }
    if variables["UV_INDEX"]:
        # pip takes the best version from anywhere; uv by default only from the first that has any.
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {name: value for name, value in variables.items() if value}


def _text(literal: str) -> str:
    try:
        return str(ast.literal_eval(parse_expression(literal)))
    except (ValueError, SyntaxError):
        return literal


def _is_there(place: str) -> bool:
    """Uv gives up where a directory is missing; pip goes on."""
    return "://" in place or Path(place).is_dir()


def _names_certificates(variables: Mapping[str, str]) -> bool:
    names = {"SSL_CERT_FILE", "SSL_CERT_DIR", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS"}
    return not names.isdisjoint(variables)


def system_certificates() -> dict[str, str]:
    """The system's own, where it has any: a network with a certificate of its own is common."""
    file = ssl.get_default_verify_paths().cafile
    return {"UV_SYSTEM_CERTS": "true"} if file and Path(file).exists() else {}


def places(variables: Mapping[str, str]) -> tuple[Path, ...]:
    """The files and directories of this machine that these variables name, such as a folder of wheels.

    With an index in files go the files that it points to, where mirrors keep them: beside it.
    """
    words = (word for value in variables.values() for word in re.split(r"[\s,]+", value))
    paths = (
        Path(word.removeprefix("file://")) for word in words if word.startswith(("/", "file:///"))
    )
    beside = (
        (each, *(each.parent / name for name in FILES if each.name == INDEX)) for each in paths
    )
    return tuple(dict.fromkeys(each for group in beside for each in group if each.exists()))
