"""The last steps before the command, which all levels share."""

from __future__ import annotations

import os
import resource
from collections.abc import Sequence
from typing import NoReturn

from envlock.isolation.interface import Limits


def execute(command: Sequence[str], home: str) -> NoReturn:
    """Become the command, in its home."""
    os.chdir(home)
    os.execve(command[0], list(command), {**os.environ, "HOME": home, "TMPDIR": home})  # noqa: S606 - what was ordered


def set_limits(limits: Limits) -> None:
    """Set those limits that a process keeps whatever it becomes."""
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_NOFILE: limits.open_files,
        # Address space (RLIMIT_AS) is no measure: importing TensorFlow reserves 2 GB of it and uses 0.4 GB.
        resource.RLIMIT_DATA: limits.memory,
    }
    for kind, value in wanted.items():
        _lower(kind, value)


def limit_processes(count: int) -> None:
    """Bound the threads of the user, where the kernel counts those: not the superuser's."""
    _lower(resource.RLIMIT_NPROC, count)


def _lower(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def relay(status: int) -> NoReturn:
    """End as a child ended, with 128 and the number of its signal where one killed it, as shells do."""
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)
