"""The system call filter for bubblewrap, as a classic BPF program.

Namespaces do not isolate AF_VSOCK, kernel keyrings or io_uring (which creates sockets past any
filter); the other denied calls are attack surface that no test suite needs. A denied call fails
with EPERM, so that a program may go on without it. Format: linux/filter.h, linux/seccomp.h;
numbers: each architecture's unistd.h.
"""

import functools
import platform
import struct

LOAD, JUMP_EQUAL, JUMP_ABOVE, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
# AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: the socket families that namespaces isolate.
ALLOWED_FAMILIES = (1, 2, 10, 16)
X32_BIT = 0x40000000

# System calls added since 2019 have the same number on all architectures.
COMMON = {
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "mount_setattr": 442,
    # It takes descriptors from another process: so an exit status was forged.
    "pidfd_getfd": 438,
}
# Per machine: the architecture's code, the number of socket(2), and the numbers of denied calls.
OWN: dict[str, tuple[int, int, dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        41,
        {
            "ptrace": 101,
            "mount": 165,
            "umount2": 166,
            "pivot_root": 155,
            "unshare": 272,
            "setns": 308,
            "add_key": 248,
            "request_key": 249,
            "keyctl": 250,
            "bpf": 321,
            "perf_event_open": 298,
            "userfaultfd": 323,
            "open_by_handle_at": 304,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "kexec_load": 246,
            "init_module": 175,
            "finit_module": 313,
        },
    ),
    "aarch64": (
        0xC00000B7,
        198,
        {
            "ptrace": 117,
            "mount": 40,
            "umount2": 39,
            "pivot_root": 41,
            "unshare": 97,
            "setns": 268,
            "add_key": 217,
            "request_key": 218,
            "keyctl": 219,
            "bpf": 280,
            "perf_event_open": 241,
            "userfaultfd": 282,
            "open_by_handle_at": 265,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "kexec_load": 104,
            "init_module": 105,
            "finit_module": 273,
        },
    ),
}


@functools.cache
def program(machine: str = platform.machine()) -> bytes:
    """Return the filter for a machine architecture. Raises OSError where there is none."""
    if machine not in OWN:
        raise OSError(f"there is no system call filter for {machine} yet")
    architecture, socket, own = OWN[machine]
    code = [
        _load(ARCHITECTURE),
        _unless_equal(architecture, KILL),
        _load(NUMBER),
        # The x32 ABI has other numbers for the same calls.
        struct.pack("=HBBI", JUMP_ABOVE, 0, 1, X32_BIT),
        _return(KILL),
    ]
    for number in (*own.values(), *COMMON.values()):
        code += _if_equal(number, FAIL | EPERM)
    # Sockets of all families but the allowed ones are denied.
    code.append(struct.pack("=HBBI", JUMP_EQUAL, 0, len(ALLOWED_FAMILIES) + 2, socket))
    code.append(_load(FIRST_ARGUMENT))
    for index, family in enumerate(ALLOWED_FAMILIES):
        code.append(struct.pack("=HBBI", JUMP_EQUAL, len(ALLOWED_FAMILIES) - index, 0, family))
    code.append(_return(FAIL | EAFNOSUPPORT))
    code.append(_return(ALLOW))
    return b"".join(code)


def _load(offset: int) -> bytes:
    """Return the instruction that loads the word at `offset` of a system call (seccomp_data)."""
    return struct.pack("=HBBI", LOAD, 0, 0, offset)


def _return(value: int) -> bytes:
    """Return the instruction that ends the filter with an answer, such as `ALLOW`."""
    return struct.pack("=HBBI", RETURN, 0, 0, value)


def _if_equal(value: int, answer: int) -> list[bytes]:
    """Return the instructions that give `answer` if the loaded word is `value`."""
    return [struct.pack("=HBBI", JUMP_EQUAL, 0, 1, value), _return(answer)]


def _unless_equal(value: int, answer: int) -> bytes:
    """Return the instructions that give `answer` unless the loaded word is `value`."""
    return struct.pack("=HBBI", JUMP_EQUAL, 1, 0, value) + _return(answer)
