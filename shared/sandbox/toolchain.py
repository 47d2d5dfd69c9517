"""What of this machine every command may read: programs, libraries, and the configuration they need."""

from pathlib import Path

ROOTS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
CONFIGURATION = (
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
# Found anew for each command that needs the network: it changes while we run.
RESOLVER = "/etc/resolv.conf"


def directories() -> tuple[str, ...]:
    """The system's directories of programs and libraries; some are links into others."""
    return tuple(each for each in ROOTS if Path(each).exists())


def configuration() -> tuple[str, ...]:
    """Files and directories of /etc that are there."""
    return tuple(each for each in CONFIGURATION if Path(each).exists())
