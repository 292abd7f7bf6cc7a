"""What every level of isolation takes and gives."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn, Protocol

Guarantee = Literal[
    "no-network",  # neither another machine nor a service of this one can be reached
    "read-only",  # nothing that outlives the command can be changed
    "hidden-files",  # of the person's files, only those that are named can be read
    "hidden-processes",  # processes of others can be neither read nor signalled
    "home-size",  # all that is written takes a bounded space together
    "private-home",  # HOME and TMPDIR are empty, and are gone afterwards
    "file-size",
    "memory",
    "processes",
    "time",
    "no-core-dumps",
    "no-survivors",  # every process that was started has ended, whatever it did to stay
]

LIMITED: frozenset[Guarantee] = frozenset({"private-home", "file-size", "memory", "time", "no-core-dumps"})
"""What limits of the system and of the supervisor give at every level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a command may take; all sizes are in bytes."""

    seconds: float
    """Wall time of everything."""

    memory: int
    """Of one process (private memory, used or not), and of all together (resident, shared pages counted each time)."""

    processes: int
    """Of all processes together, threads counted."""

    file_size: int
    home_size: int
    """Of everything in its home and temporary folder, where the level can bound that; the same again for /dev/shm."""

    open_files: int
    """Of one process."""


def default_limits(seconds: float) -> Limits:
    """Limits that leave room for any model which this machine can load, and leave the machine usable."""
    processors = os.cpu_count() or 1
    physical_memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Limits(
        seconds=seconds,
        memory=physical_memory * 3 // 4,
        # TensorFlow starts several pools of a thread for each processor.
        processes=1024 + 16 * processors,
        file_size=physical_memory // 4,
        home_size=physical_memory // 4,
        open_files=4096,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be run, and how: the whole of what the supervisor is told."""

    level: str
    command: Sequence[str]
    """The program by its absolute path, and its arguments."""

    readable: Sequence[str]
    """Absolute paths of the files and folders that the command may read, the system's own included."""

    home: str
    """Absolute path of an empty folder."""

    limits: Limits


class Announce:
    """Tells the supervisor that nothing is left to do but to run the command; a pipe that the exec closes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __call__(self, guarantees: Collection[Guarantee]) -> None:
        """What holds from here on."""
        os.write(self._descriptor, json.dumps({"guarantees": sorted(guarantees)}).encode() + b"\n")

    def refuse(self, reason: str) -> None:
        """Say why the command was not run."""
        os.write(self._descriptor, json.dumps({"refusal": reason}).encode() + b"\n")

    def withdraw(self) -> None:
        """Leave it to another process to tell."""
        os.close(self._descriptor)


class Level(Protocol):
    """A way to isolate; it runs in a process that was made for it, and that it turns into the command."""

    @property
    def name(self) -> str:
        """As it is reported."""

    def enter(self, order: Order, announce: Announce) -> NoReturn:
        """Give up everything that the command shall not have, call *announce*, and run the command.

        Raises:
            OSError: This system does not offer the level.
        """
