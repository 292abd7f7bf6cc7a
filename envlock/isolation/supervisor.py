"""The process between envlock and an isolated command: it starts it, watches over it, and ends all that is left.

Run with an order as its first argument and the descriptor of a pipe as its second. One JSON object comes out of the
pipe: either ``refusal``, why the command was not started, or what `Report` holds.
"""

# The supervisor starts for every command, and pathlib takes longer to import than all that it has to do.
# ruff: noqa: PTH106, PTH123, PTH208

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Literal, NoReturn

from envlock.isolation import LEVELS
from envlock.isolation.execution import limit_processes, set_limits
from envlock.isolation.interface import Announce, Limits, Order
from envlock.isolation.system_calls import adopt_orphans, die_with_parent

Excess = Literal["time", "memory", "processes"]

_IS_LINUX = sys.platform == "linux"
_SHORTEST_PAUSE = 0.05  # seconds in which a command can outgrow its limits
_LONGEST_ANNOUNCEMENT = 64 * 1024
_PAUSE_OF_THE_END = 0.002
_HIGHEST_OOM_SCORE = "1000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of the command."""

    guarantees: Sequence[str]
    exit_code: int
    """Negative: the number of the signal that ended it."""

    excess: Excess | None
    """Which limit it was killed for."""


def main(arguments: Sequence[str]) -> None:
    """Carry out an order."""
    order = _read_order(arguments[0])
    channel = int(arguments[1])
    os.set_inheritable(channel, False)
    wakeups = _listen_to_signals()
    if _IS_LINUX:
        adopt_orphans()
        die_with_parent(signal.SIGTERM)
    command, announcements = _start(order)
    excess: Excess | None = None
    status = 0
    try:
        excess, status = _watch(command, order.limits, wakeups)
    finally:
        _end_all(command)
        # Whoever made it may have been killed.
        _remove(order.home)
    announced = _read_announcement(announcements)
    if "guarantees" in announced:
        exit_code = _read_status(status)
        announced = asdict(Report(guarantees=announced["guarantees"], exit_code=exit_code, excess=excess))
    os.write(channel, json.dumps(announced).encode())


def _read_order(text: str) -> Order:
    values = json.loads(text)
    return Order(**{**values, "limits": Limits(**values["limits"])})


# --- the start -----------------------------------------------------------------------------------------------


def _start(order: Order) -> tuple[int, int]:
    """The process that becomes the command, and the pipe in which it says so."""
    read_end, write_end = os.pipe()
    already_running = _count_own_threads()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _become(order, already_running, Announce(write_end))
    os.close(write_end)
    return child, read_end


def _count_own_threads() -> int:
    """Threads of the user, which the kernel counts; it does not count those of the superuser."""
    user = os.getuid()
    return sum(process.threads for process in _processes() if process.user == user) if user else 0


def _become(order: Order, already_running: int, announce: Announce) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        if _IS_LINUX:
            die_with_parent(signal.SIGKILL)
            _offer_as_first_victim()
        set_limits(order.limits)
        limit_processes(already_running + order.limits.processes)
        next(level for level in LEVELS if level.name == order.level).enter(order, announce)
    except (OSError, ValueError) as error:
        announce.refuse(str(error))
    finally:
        # Whatever happens here, this is not the supervisor.
        os._exit(1)


def _read_announcement(descriptor: int) -> dict[str, Any]:
    """The last thing that was announced: an exec may fail after all before it has worked."""
    with open(descriptor, "rb") as stream:
        announced = stream.read(_LONGEST_ANNOUNCEMENT).splitlines()
    return dict(json.loads(announced[-1])) if announced else {"refusal": "it was ended before it began"}


def _offer_as_first_victim() -> None:
    """Let the kernel end this before anything else where memory runs out all the same."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write(_HIGHEST_OOM_SCORE)


# --- the watch -----------------------------------------------------------------------------------------------


def _listen_to_signals() -> int:
    """A pipe that becomes readable when a child or the parent ends, or this process is asked to."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return read_end


def _watch(command: int, limits: Limits, wakeups: int) -> tuple[Excess | None, int]:
    """Wait until *command* ends, or exceeds *limits*; gives its status as `os.wait` does."""
    end = time.monotonic() + limits.seconds
    pause = _SHORTEST_PAUSE
    while True:
        if select.select([wakeups], [], [], max(0, min(pause, end - time.monotonic())))[0]:
            os.read(wakeups, 4096)
        while (reaped := _reap()) is not None:
            if reaped[0] == command:
                return None, reaped[1]
        began = time.monotonic()
        if began >= end:
            return "time", signal.SIGKILL
        if excess := _find_excess(limits):
            return excess, signal.SIGKILL
        # A machine with many processes is looked at less often.
        pause = max(_SHORTEST_PAUSE, 10 * (time.monotonic() - began))


def _find_excess(limits: Limits) -> Excess | None:
    descendants = _descendants()
    if sum(process.threads for process in descendants) > limits.processes:
        return "processes"
    if sum(process.memory for process in descendants) > limits.memory:
        return "memory"
    return None


def _reap() -> tuple[int, int] | None:
    """A child that has ended, and its status; ``None`` where none has."""
    try:
        process, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (process, status) if process else None


def _read_status(status: int) -> int:
    """The exit code, from a status in which the first process of a namespace may speak as a shell does."""
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if 128 < code < 128 + signal.NSIG else code


# --- the end -------------------------------------------------------------------------------------------------


def _end_all(command: int) -> None:
    """Kill whatever the command has started, and wait for it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(command, signal.SIGKILL)
    # An orphan becomes a child of this process, so that nothing is left when no child is.
    with suppress(ChildProcessError):
        while True:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            for process in _descendants():
                with suppress(ProcessLookupError):
                    os.kill(process.number, signal.SIGKILL)
            time.sleep(_PAUSE_OF_THE_END)


def _remove(folder: str) -> None:
    try:
        # At most levels nothing was ever written to it.
        os.rmdir(folder)
    except OSError:
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


# --- processes -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Process:
    number: int
    parent: int
    user: int
    threads: int
    memory: int
    """Resident, in bytes."""


def _descendants() -> list[_Process]:
    """All processes that this one or its descendants have started, where the system tells."""
    children: dict[int, list[_Process]] = {}
    for process in _processes():
        children.setdefault(process.parent, []).append(process)
    found: list[_Process] = []
    pending = [os.getpid()]
    while pending:
        started = children.get(pending.pop(), [])
        found += started
        pending += [process.number for process in started]
    return found


def _processes() -> Iterator[_Process]:
    """All processes that can be seen, by /proc; none where there is no such thing."""
    if not _IS_LINUX:
        return
    page = os.sysconf("SC_PAGE_SIZE")
    for name in os.listdir("/proc"):
        if name.isdigit():
            # It may end at any moment, or be hidden.
            with suppress(OSError), open(f"/proc/{name}/stat", "rb") as stream:
                # proc(5), from the third field on: what stands before, the name, may hold anything.
                fields = stream.read().rpartition(b")")[2].split()
                yield _Process(
                    number=int(name),
                    parent=int(fields[1]),
                    user=os.fstat(stream.fileno()).st_uid,
                    threads=int(fields[17]),
                    memory=int(fields[21]) * page,
                )
