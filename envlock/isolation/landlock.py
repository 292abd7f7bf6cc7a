"""Landlock: the command gives up all files but those that are named, and filters bar it from the network.

Processes and the file system stay those of everyone; rules decide what may be opened.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Collection
from typing import NoReturn

from envlock.isolation.execution import execute
from envlock.isolation.interface import LIMITED, Announce, Guarantee, Order
from envlock.isolation.limits import bar_by_filter
from envlock.isolation.system_call_filter import METADATA
from envlock.isolation.system_calls import (
    CAP_DAC_OVERRIDE,
    CAP_DAC_READ_SEARCH,
    forbid_new_privileges,
    keep_capabilities,
    system_call,
)
from envlock.isolation.visible import DEVICES

name = "landlock"

_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
_ONLY_VERSION = 1
_RULE_PATH_BENEATH = 1

# Rights to files, LANDLOCK_ACCESS_FS_*.
_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_TRUNCATE = 1 << 14
_IOCTL_DEV = 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_FOR_ONE_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_OF_FIRST_VERSION = (1 << 13) - 1
_RIGHT_BY_VERSION = {2: 1 << 13, 3: _TRUNCATE, 5: _IOCTL_DEV}
# To bind and to connect, by TCP.
_NETWORK = 0b11
_NETWORK_VERSION = 4
# Abstract sockets and signals reach no process outside.
_SCOPES = 0b11
_SCOPES_VERSION = 6
_TRUNCATE_VERSION = 3

_READABLE_IN_ADDITION = ("/proc",)


def enter(order: Order, announce: Announce) -> NoReturn:
    """Run the command behind rules and filters."""
    version = system_call(_CREATE_RULESET, None, 0, _ONLY_VERSION, what="Landlock")
    forbid_new_privileges()
    # The superuser still reads what belongs to others; Landlock judges that too.
    keep_capabilities({CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH} if os.geteuid() == 0 else ())
    _restrict(order, version)
    barred = bar_by_filter(METADATA)
    announce(LIMITED | barred | _guarantees(version, are_metadata_barred=bool(barred)))
    execute(order.command, order.home)


def _guarantees(version: int, *, are_metadata_barred: bool) -> set[Guarantee]:
    found: set[Guarantee] = {"hidden-files"}
    if version >= _TRUNCATE_VERSION and are_metadata_barred:
        found.add("read-only")
    if version >= _SCOPES_VERSION:
        # Only what cannot signal the supervisor is sure to be ended by it.
        found |= {"hidden-processes", "no-survivors", "processes"}
    return found


def _restrict(order: Order, version: int) -> None:
    rights = _OF_FIRST_VERSION | sum(right for since, right in _RIGHT_BY_VERSION.items() if version >= since)
    # struct landlock_ruleset_attr has grown with the versions.
    words = [rights]
    words += [_NETWORK] if version >= _NETWORK_VERSION else []
    words += [_SCOPES] if version >= _SCOPES_VERSION else []
    attributes = struct.pack(f"={len(words)}Q", *words)
    rules = system_call(_CREATE_RULESET, attributes, len(attributes), 0, what="Landlock")
    _allow(rules, (*order.readable, *_READABLE_IN_ADDITION), _READ)
    _allow(rules, DEVICES, (_READ_FILE | _WRITE_FILE | _TRUNCATE) & rights)
    _allow(rules, [order.home], rights & ~_IOCTL_DEV)
    system_call(_RESTRICT_SELF, rules, 0, what="Landlock")
    os.close(rules)


def _allow(rules: int, paths: Collection[str], rights: int) -> None:
    """Allow *rights* to *paths* and what is in them; paths that do not exist are passed over."""
    for path in paths:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                continue
            raise
        is_folder = stat.S_ISDIR(os.fstat(place).st_mode)
        # struct landlock_path_beneath_attr, which is packed.
        rule = struct.pack("=Qi", rights if is_folder else rights & _FOR_ONE_FILE, place)
        system_call(_ADD_RULE, rules, _RULE_PATH_BENEATH, rule, 0, what=f"Landlock, {path}")
        os.close(place)
