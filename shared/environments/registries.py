"""The configuration of package registries and certificates for uv, taken from pip's.

uv does not read pip's configuration, so on a machine with only a mirror pip would work and uv not.
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

# The variables of our environment that a target's set-up step receives: where packages are, and
# how they are reached. All others stay here: among those of the same tools are publishing tokens,
# passwords by index, and the places of configuration files and caches.
INHERITED_VARIABLES = re.compile(
    r"UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|INDEX_STRATEGY"
    r"|INSECURE_HOST|SYSTEM_CERTS|NATIVE_TLS|HTTP_TIMEOUT|HTTP_RETRIES|EXCLUDE_NEWER)"
    r"|PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|CERT|PROXY|TIMEOUT|RETRIES)"
    r"|npm_config_(registry|cafile|https?_proxy|noproxy)|SSL_CERT_(FILE|DIR)"
    r"|(REQUESTS|CURL)_CA_BUNDLE|(HTTPS?|ALL|NO)_PROXY",
    re.IGNORECASE,
)
# Whoever sets one of these tells uv where packages are, in place of pip's configuration.
PLACES_OF_PACKAGES = frozenset({"UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_NO_INDEX"})
# Its value names more variables, separated by commas, that a set-up step is to receive.
MORE_VARIABLES = "GROUNDSWELL_SETUP_VARIABLES"
INDEX_DIRECTORY, FILE_DIRECTORIES = "simple", ("files", "packages")
OPTION_LINE = re.compile(r"^(?:global|install|:env:)\.([a-z-]+)=(.*)$")


async def uv_variables(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment variables that tell a set-up step where and how to get packages.

    They are those of `environ` that match `INHERITED_VARIABLES`, for pip and npm as well as uv, or
    are named in `GROUNDSWELL_SETUP_VARIABLES`. If none of them tells uv where packages are, the
    configuration of our own pip is translated for it. If none selects certificates for uv, the
    system's are selected, where it has any.
    """
    asks_pip = PLACES_OF_PACKAGES.isdisjoint(environ)
    configured = parse_pip_config(await _pip_config()) if asks_pip else {}
    named = {each.strip() for each in environ.get(MORE_VARIABLES, "").split(",")}
    inherited = {
        name: value
        for name, value in environ.items()
        if name in named or INHERITED_VARIABLES.fullmatch(name)
    }
    certificates = {} if _names_certificates({**configured, **inherited}) else system_certificates()
    return {**certificates, **configured, **inherited}


async def _pip_config() -> str:
    """Return what `pip config list` prints for our Python; empty where there is no pip."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "pip", "config", "list"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await process.communicate()
    return output.decode(errors="replace") if process.returncode == 0 else ""


def parse_pip_config(listing: str) -> dict[str, str]:
    """Return the lines of `pip config list` as uv's variables.

    A later line overrides earlier ones, as its file is closer to the user.
    """
    options: dict[str, str] = {}
    for line in listing.splitlines():
        if found := OPTION_LINE.match(line):
            options[found[1]] = _unquote(found[2])
    links = [each for each in options.get("find-links", "").split() if _exists(each)]
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
        # pip takes the best version of all indexes; uv by default looks at the first that has any.
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {name: value for name, value in variables.items() if value}


def _unquote(literal: str) -> str:
    """Return the string that a Python literal stands for, or the text itself."""
    try:
        return str(ast.literal_eval(parse_expression(literal)))
    except (ValueError, SyntaxError):
        return literal


def _exists(location: str) -> bool:
    """Return whether `location` is a URL or an existing directory.

    Missing directories are left out, as uv fails on them where pip does not.
    """
    return "://" in location or Path(location).is_dir()


def _names_certificates(variables: Mapping[str, str]) -> bool:
    """Return whether any variable selects certificates."""
    names = {"SSL_CERT_FILE", "SSL_CERT_DIR", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS"}
    return not names.isdisjoint(variables)


def system_certificates() -> dict[str, str]:
    """Return the variable that selects the system's certificates, if it has any."""
    file = ssl.get_default_verify_paths().cafile
    return {"UV_SYSTEM_CERTS": "true"} if file and Path(file).exists() else {}


def referenced_paths(variables: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the files and directories of this machine that variables name, such as one of wheels.

    For an index in files this includes the directories beside it, where mirrors keep the files.
    """
    parts = (each for value in variables.values() for each in re.split(r"[\s,]+", value))
    paths = (
        Path(each.removeprefix("file://")) for each in parts if each.startswith(("/", "file:///"))
    )
    beside = (
        (each, *(each.parent / name for name in FILE_DIRECTORIES if each.name == INDEX_DIRECTORY))
        for each in paths
    )
    return tuple(dict.fromkeys(each for group in beside for each in group if each.exists()))
