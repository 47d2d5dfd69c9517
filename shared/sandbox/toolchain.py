"""The paths of this machine that every command may read: programs, libraries, and some of /etc."""

from pathlib import Path

SYSTEM_ROOTS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
ETC_PATHS = (
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/debian_version",
    "/etc/fonts",
    "/etc/gai.conf",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/os-release",
    "/etc/pki",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl",
    "/etc/timezone",
)
# Resolved anew for each command that needs the network, as it changes while we run.
RESOLVER = "/etc/resolv.conf"


def system_directories() -> tuple[str, ...]:
    """Return the system's directories of programs and libraries; some are links to others."""
    return tuple(each for each in SYSTEM_ROOTS if Path(each).exists())


def etc_paths() -> tuple[str, ...]:
    """Return those of `ETC_PATHS` that exist here."""
    return tuple(each for each in ETC_PATHS if Path(each).exists())
