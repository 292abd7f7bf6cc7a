"""Namespaces of Linux, which need no privilege: the command sees a file system, processes and a network of its own.

Its root is an empty file system that holds what it may read, read-only, and one folder to write to, in memory.
"""

# The supervisor starts for every command, and pathlib takes longer to import than all that it has to do.
# ruff: noqa: PTH103, PTH112, PTH120, PTH123, PTH211

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import NoReturn

from envlock.isolation.execution import execute, relay
from envlock.isolation.interface import LIMITED, Announce, Guarantee, Order
from envlock.isolation.system_call_filter import NETWORK, SHARED_KERNEL_STATE, forbid
from envlock.isolation.system_calls import (
    CAP_DAC_READ_SEARCH,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    change_root,
    die_with_parent,
    forbid_new_privileges,
    keep_capabilities,
    mount,
    set_mount_attributes,
    unshare,
)
from envlock.isolation.visible import DEVICES, expose

name = "namespaces"

HOME = "/tmp"  # noqa: S108 - a file system of its own is there

GUARANTEES: frozenset[Guarantee] = LIMITED | {
    *("no-network", "read-only", "hidden-files", "hidden-processes", "home-size", "processes", "no-survivors"),
}

# A socket among the files that may be read would lead out of a network namespace.
BARRED_CALLS = (*SHARED_KERNEL_STATE, *NETWORK)

_DESCRIPTORS = {"fd": "self/fd", "stdin": "self/fd/0", "stdout": "self/fd/1", "stderr": "self/fd/2"}


def enter(order: Order, announce: Announce) -> NoReturn:
    """Run the command in namespaces of its own, as the child of their first process."""
    _unshare_with_own_users(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
    first = os.fork()
    if first:
        # Whoever waits for this process waits for the namespace: with its first process the kernel ends all others.
        _relay_when_ended(first, announce)
    die_with_parent(signal.SIGKILL)
    _build_root(order)
    change_root(order.home)
    command = os.fork()
    if command:
        _relay_when_ended(command, announce)
    die_with_parent(signal.SIGKILL)
    os.setsid()
    forbid_new_privileges()
    # The superuser may read what belongs to others, as before; anyone else loses all in the exec.
    keep_capabilities({CAP_DAC_READ_SEARCH})
    forbid(BARRED_CALLS)
    announce(GUARANTEES)
    execute(order.command, HOME)


def _relay_when_ended(child: int, announce: Announce) -> NoReturn:
    """Reap processes until *child* has ended, and end like it."""
    announce.withdraw()
    while True:
        process, status = os.wait()
        if process == child:
            relay(status)


# --- users ---------------------------------------------------------------------------------------------------


def _unshare_with_own_users(namespaces: int) -> None:
    """Enter new namespaces, in which every user and group keeps its number."""
    subject = os.getpid()
    read_end, write_end = os.pipe()
    mapper = os.fork()
    if mapper == 0:
        os.close(write_end)
        # A map is written from outside, once the namespace is there.
        os._exit(_map_users(subject) if os.read(read_end, 1) else 1)
    os.close(read_end)
    try:
        unshare(CLONE_NEWUSER | namespaces)
        os.write(write_end, b"1")
    finally:
        os.close(write_end)
        code = os.waitstatus_to_exitcode(os.waitpid(mapper, 0)[1])
    if code != 0:
        raise OSError(code, f"map users: {os.strerror(code)}")


def _map_users(process: int) -> int:
    """Map users and groups of a process to themselves; returns the number of the error, or 0."""
    folder = f"/proc/{process}"
    try:
        if os.geteuid() == 0:
            # All of them, so that the superuser still reads what belongs to others.
            _write(f"{folder}/uid_map", _identity("/proc/self/uid_map"))
            _write(f"{folder}/gid_map", _identity("/proc/self/gid_map"))
        else:
            # Without privileges one may map oneself alone, and must give up to change groups (Linux 3.19).
            _write(f"{folder}/setgroups", "deny")
            _write(f"{folder}/uid_map", f"{os.geteuid()} {os.geteuid()} 1")
            _write(f"{folder}/gid_map", f"{os.getegid()} {os.getegid()} 1")
    except OSError as error:
        return error.errno or 1
    return 0


def _identity(numbers: str) -> str:
    """A map of every number that is valid here to itself, from a file of lines "inside outside count"."""
    with open(numbers) as lines:
        ranges = [line.split() for line in lines]
    return "".join(f"{inside} {inside} {count}\n" for inside, _, count in ranges)


def _write(path: str, text: str) -> None:
    with open(path, "w") as stream:
        stream.write(text)


# --- the file system -----------------------------------------------------------------------------------------


def _build_root(order: Order) -> None:
    """Mount at the order's home what is to become the root of the command."""
    root = order.home
    # What is mounted here shall not show outside.
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount_memory(root, 1 << 20, mode="0755")
    _make_folder(root + HOME)
    _mount_memory(root + HOME, order.limits.home_size, mode="0700")
    _bind_readable(root, order.readable)
    _make_devices(root, order.limits.home_size)
    _make_folder(root + "/proc")
    # Read-only: much of /proc/sys could be written by whoever is the superuser outside.
    mount("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY)
    set_mount_attributes(root, MS_RDONLY, recursively=False)


def _mount_memory(target: str, size: int, *, mode: str) -> None:
    mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, f"size={size},mode={mode}")


def _bind_readable(root: str, readable: Sequence[str]) -> None:
    exposure = expose(readable)
    for place in exposure.places:
        _bind(place, root + place)
        set_mount_attributes(root + place, MS_RDONLY | MS_NOSUID | MS_NODEV, recursively=True)
    for link, target in exposure.links:
        _make_folder(os.path.dirname(root + link))
        os.symlink(target, root + link)


def _make_devices(root: str, shared_memory_size: int) -> None:
    for device in DEVICES:
        _bind(device, root + device)
        set_mount_attributes(root + device, MS_NOSUID | MS_NOEXEC, recursively=False)
    for link, target in _DESCRIPTORS.items():
        os.symlink(f"/proc/{target}", f"{root}/dev/{link}")
    _make_folder(root + "/dev/shm")  # noqa: S108
    _mount_memory(root + "/dev/shm", shared_memory_size, mode="1777")  # noqa: S108


def _bind(source: str, target: str) -> None:
    """Let *source* appear at *target*, which is made."""
    if os.path.isdir(source):
        _make_folder(target)
    else:
        _make_folder(os.path.dirname(target))
        _write(target, "")
    mount(source, target, None, MS_BIND | MS_REC)


def _make_folder(path: str) -> None:
    os.makedirs(path, mode=0o755, exist_ok=True)
