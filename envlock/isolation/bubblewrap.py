"""bubblewrap: what the namespaces level does, by a program that some systems grant more than others."""

# The supervisor starts for every command, and pathlib takes longer to import than all that it has to do.
# ruff: noqa: PTH118

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import NoReturn

from envlock.isolation.interface import Announce, Order
from envlock.isolation.namespaces import BARRED_CALLS, GUARANTEES, HOME
from envlock.isolation.system_call_filter import assemble
from envlock.isolation.visible import expose

name = "bubblewrap"


def enter(order: Order, announce: Announce) -> NoReturn:
    """Run the command by ``bwrap``."""
    bubblewrap = _find_program()
    read_end, write_end = os.pipe()
    # It fits in the pipe.
    os.write(write_end, assemble(BARRED_CALLS))
    os.close(write_end)
    os.set_inheritable(read_end, True)
    arguments = [bubblewrap, *_arguments(order), "--seccomp", str(read_end), "--", *order.command]
    announce(GUARANTEES)
    os.execve(bubblewrap, arguments, {**os.environ, "HOME": HOME, "TMPDIR": HOME})  # noqa: S606


def _find_program() -> str:
    # Among the system's programs only: PATH may name folders that others can write to.
    for folder in os.defpath.split(os.pathsep):
        program = os.path.join(folder, "bwrap")
        if os.access(program, os.X_OK):
            return program
    raise OSError(errno.ENOENT, "bwrap is not installed")


def _arguments(order: Order) -> Iterator[str]:
    yield from ("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL")
    yield from ("--size", str(order.limits.home_size), "--tmpfs", HOME)
    exposure = expose(order.readable)
    for place in exposure.places:
        yield from ("--ro-bind", place, place)
    for link, target in exposure.links:
        yield from ("--symlink", target, link)
    yield from ("--proc", "/proc", "--dev", "/dev")
    yield from ("--size", str(order.limits.home_size), "--tmpfs", "/dev/shm")  # noqa: S108
    # Much of /proc/sys could be written by whoever is the superuser outside.
    yield from ("--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", HOME)
