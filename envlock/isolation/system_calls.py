"""Linux system calls that the standard library does not offer; every failure is an `OSError`.

Numbers and flags are those of the kernel's headers: linux/mount.h, linux/sched.h, linux/prctl.h, linux/capability.h,
linux/landlock.h. Above 424, system calls have the same number on all architectures.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Collection
from functools import cache

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2

_MOUNT_SETATTR = 442
_AT_RECURSIVE = 0x8000
_MNT_DETACH = 2

_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_LINUX_CAPABILITY_VERSION_3 = 0x20080522
_HIGHEST_CAPABILITY = 63


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def system_call(number: int, *arguments: int | bytes | None, what: str) -> int:
    """Call the kernel; *what* names the call in the error."""
    values = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return _checked(_library().syscall(ctypes.c_long(number), *values), what)


def unshare(namespaces: int) -> None:
    _checked(_library().unshare(namespaces), "unshare")


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str = "") -> None:
    words = [os.fsencode(word) if word is not None else None for word in (source, target, kind)]
    done = _library().mount(*words, ctypes.c_ulong(flags), os.fsencode(options))
    _checked(done, f"mount {source or kind} on {target}")


def set_mount_attributes(path: str, attributes: int, *, recursively: bool) -> None:
    """Add ``MS_RDONLY``, ``MS_NOSUID``, ``MS_NODEV`` or ``MS_NOEXEC`` to the mount at *path* (Linux 5.12)."""
    # struct mount_attr: attr_set, attr_clr, propagation, userns_fd. These four flags have the values of mount's.
    wanted = struct.pack("=4Q", attributes, 0, 0, 0)
    flags = _AT_RECURSIVE if recursively else 0
    what = f"change the mount at {path}"
    system_call(_MOUNT_SETATTR, -1, os.fsencode(path), flags, wanted, len(wanted), what=what)


def change_root(folder: str) -> None:
    """Make *folder*, a mount, the root of this mount namespace; nothing of the old one can be reached any more."""
    os.chdir(folder)
    # Both at one place: the old root lies on the new one, and is taken off it.
    _checked(_library().pivot_root(b".", b"."), "pivot_root")
    _checked(_library().umount2(b".", _MNT_DETACH), "umount2")
    os.chdir("/")


def die_with_parent(signal_number: int) -> None:
    """Have this process sent a signal when the thread that started it ends; lost in every fork."""
    _prctl(_PR_SET_PDEATHSIG, signal_number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def forbid_new_privileges() -> None:
    """Let no program that is run from here on gain anything by being set-uid."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def keep_capabilities(kept: Collection[int]) -> None:
    """Give up all capabilities but *kept*, for this process and the programs that it runs."""
    for capability in set(range(_HIGHEST_CAPABILITY + 1)) - set(kept):
        try:
            _prctl(_PR_CAPBSET_DROP, capability)
        except OSError:
            # Who may not shrink the bound (EPERM) is no superuser, and gains none; the rest do not exist (EINVAL).
            continue
    header = struct.pack("=Ii", _LINUX_CAPABILITY_VERSION_3, 0)
    bits = ctypes.create_string_buffer(struct.calcsize("=6I"))
    _checked(_library().capget(header, bits), "capget")
    effective, permitted, _, *high = struct.unpack("=6I", bits.raw)
    mask = sum(1 << capability for capability in kept)
    narrowed = struct.pack("=6I", effective & mask, permitted & mask, 0, *(0 for _ in high))
    _checked(_library().capset(header, narrowed), "capset")


def _prctl(option: int, value: int) -> None:
    _checked(prctl(option, value), f"prctl {option}")


def prctl(option: int, value: int, address: int = 0) -> int:
    """The raw call; -1 where the kernel refuses."""
    words = [ctypes.c_ulong(word) for word in (value, address, 0, 0)]
    return int(_library().prctl(option, *words))
