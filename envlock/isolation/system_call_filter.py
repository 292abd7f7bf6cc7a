"""Seccomp: system calls that fail with EPERM in this process and in all that it starts.

The numbers are those of the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl, scripts/syscall.tbl); a call
that an architecture does not have is left out of its column.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterator, Mapping, Sequence

from envlock.isolation.system_calls import prctl

SHARED_KERNEL_STATE = (
    *("keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd"),
    *("io_uring_setup", "open_by_handle_at"),
)
"""Calls that reach what no namespace and no Landlock rule divides, or do so on some kernels; models need none."""

NETWORK = ("socket",)
"""Pairs of connected sockets stay: they lead nowhere."""

OTHER_PROCESSES = ("ptrace", "process_vm_readv", "process_vm_writev")

METADATA = (
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
    *("setxattr", "lsetxattr", "fsetxattr", "setxattrat"),
    *("removexattr", "lremovexattr", "fremovexattr", "removexattrat"),
    *("utime", "utimes", "futimesat", "utimensat", "file_setattr"),
)
"""Calls that change a file without opening it for writing, of which Landlock knows nothing."""

# Since 5.0, new calls have one number on every architecture.
_EVERYWHERE = {
    "fchmodat2": 452,
    "file_setattr": 469,
    "io_uring_setup": 425,
    "removexattrat": 466,
    "setxattrat": 463,
}
_NUMBERS: Mapping[str, Mapping[str, int]] = {
    "x86_64": {
        **_EVERYWHERE,
        "add_key": 248,
        "bpf": 321,
        "chmod": 90,
        "chown": 92,
        "fchmod": 91,
        "fchmodat": 268,
        "fchown": 93,
        "fchownat": 260,
        "fremovexattr": 199,
        "fsetxattr": 190,
        "futimesat": 261,
        "keyctl": 250,
        "lchown": 94,
        "lremovexattr": 198,
        "lsetxattr": 189,
        "open_by_handle_at": 304,
        "perf_event_open": 298,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "ptrace": 101,
        "removexattr": 197,
        "request_key": 249,
        "setxattr": 188,
        "socket": 41,
        "userfaultfd": 323,
        "utime": 132,
        "utimensat": 280,
        "utimes": 235,
    },
    "aarch64": {
        **_EVERYWHERE,
        "add_key": 217,
        "bpf": 280,
        "fchmod": 52,
        "fchmodat": 53,
        "fchown": 55,
        "fchownat": 54,
        "fremovexattr": 16,
        "fsetxattr": 7,
        "keyctl": 219,
        "lremovexattr": 15,
        "lsetxattr": 6,
        "open_by_handle_at": 265,
        "perf_event_open": 241,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "ptrace": 117,
        "removexattr": 14,
        "request_key": 218,
        "setxattr": 5,
        "socket": 198,
        "userfaultfd": 282,
        "utimensat": 88,
    },
}
_AUDIT_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # linux/audit.h
_X32_BIT = 0x40000000  # asm/unistd.h: the same calls again, with pointers of 32 bits
_NO_X32 = 0xFFFFFFFF

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_RETURN_ALLOW = 0x7FFF0000
_RETURN_ERROR = 0x00050000

# linux/bpf_common.h
_LOAD_WORD = 0x20
_JUMP_IF_EQUAL = 0x15
_JUMP_IF_GREATER_OR_EQUAL = 0x35
_RETURN = 0x06
# struct seccomp_data
_CALL_OFFSET = 0
_ARCHITECTURE_OFFSET = 4


def forbid(calls: Sequence[str]) -> None:
    """Let *calls* fail from here on; new privileges must be forbidden already.

    Raises:
        OSError: This kernel has no filters, or the numbers of this architecture are not known.
    """
    program = assemble(calls)
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the count of instructions, and their address.
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(code)))
    if prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(header)) != 0:
        raise OSError(ctypes.get_errno(), "seccomp filters are refused")


def assemble(calls: Sequence[str]) -> bytes:
    """The filter, as the kernel and bubblewrap take it.

    Raises:
        OSError: The numbers of this architecture are not known.
    """
    machine = os.uname().machine
    if machine not in _NUMBERS:
        raise OSError(errno.ENOSYS, f"no filter of system calls for {machine}")
    numbers = [_NUMBERS[machine][call] for call in calls if call in _NUMBERS[machine]]
    return b"".join(_instructions(numbers, machine))


def _instructions(numbers: Sequence[int], machine: str) -> Iterator[bytes]:
    """BPF; jumps count the instructions that are passed over."""
    to_the_end = len(numbers) + 3
    yield _instruction(_LOAD_WORD, _ARCHITECTURE_OFFSET)
    # Of another architecture, which the same kernel may run too, the numbers mean something else.
    yield _instruction(_JUMP_IF_EQUAL, _AUDIT_ARCHITECTURES[machine], otherwise=to_the_end)
    yield _instruction(_LOAD_WORD, _CALL_OFFSET)
    limit = _X32_BIT if machine == "x86_64" else _NO_X32
    yield _instruction(_JUMP_IF_GREATER_OR_EQUAL, limit, then=to_the_end - 2)
    for place, number in enumerate(numbers):
        yield _instruction(_JUMP_IF_EQUAL, number, then=len(numbers) - place)
    yield _instruction(_RETURN, _RETURN_ALLOW)
    yield _instruction(_RETURN, _RETURN_ERROR | errno.EPERM)


def _instruction(code: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)
