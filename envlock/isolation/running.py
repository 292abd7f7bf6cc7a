"""Command -> Ended: it is run at a level of isolation, and what becomes of it is told.

Whatever the command does (crash, hang, print without end, leave processes behind), it has ended, and so has all that
it started, when `run` returns.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from envlock.isolation.interface import Guarantee, Limits, Order

_LARGEST_REPORT = 4 * 1024 * 1024
_LONGEST_COMPLAINT = 8 * 1024
_LARGEST_ACCOUNT = 64 * 1024
_TIME_TO_END_ALL = 5.0

# The packages of envlock's own environment are left out: the supervisor needs the standard library alone.
_SUPERVISOR = """\
import sys
sys.path.append(sys.argv.pop(1))
from envlock.isolation.supervisor import main
main(sys.argv[1:])
"""
_PACKAGE_FOLDER = str(Path(__file__).parents[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, and the ends of what it wrote."""

    report: bytes
    """Of standard output, at most 4 MiB."""

    complaint: bytes
    """Of standard error, at most 8 kB."""

    exit_code: int
    """Negative: the number of the signal that ended it."""

    excess: str | None
    """Which of ``time``, ``memory``, ``processes`` it was killed for."""

    guarantees: frozenset[Guarantee]
    """What held while it ran."""


class RefusedError(OSError):
    """A level of isolation cannot be had here; the command was not run."""


def run_at(
    level: str,
    command: Sequence[str],
    *,
    request: bytes,
    readable: Sequence[str],
    variables: Mapping[str, str],
    limits: Limits,
) -> Ended:
    """Run *command* with *request* on its standard input, until it ends or takes more than *limits*.

    Args:
        level: Name of a level.
        command: The program by its absolute path, and its arguments.
        request: What the command reads from its standard input.
        readable: Absolute paths of all that it may read.
        variables: Its whole environment, beside ``HOME`` and ``TMPDIR``.
        limits: What it may take.

    Raises:
        RefusedError: The level cannot be had.
    """
    with tempfile.TemporaryDirectory(prefix="envlock-", ignore_cleanup_errors=True) as folder:
        home = os.path.realpath(folder)
        order = Order(level=level, command=command, readable=readable, home=home, limits=limits)
        account_end, channel = os.pipe()
        with os.fdopen(account_end, "rb") as account_stream:
            try:
                supervisor = _start_supervisor(order, channel, variables)
            finally:
                os.close(channel)
            with _ended_at_last(supervisor):
                report = _BoundedReader(supervisor.stdout, _LARGEST_REPORT)
                complaint = _BoundedReader(supervisor.stderr, _LONGEST_COMPLAINT)
                _send(supervisor, request)
                with suppress(subprocess.TimeoutExpired):
                    # It keeps the time itself, unless the command can harm it.
                    supervisor.wait(limits.seconds + _TIME_TO_END_ALL)
            account = _read_account(account_stream)
        return Ended(report=report.finish(), complaint=complaint.finish(), **account)


def _start_supervisor(order: Order, channel: int, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    words = [_PACKAGE_FOLDER, json.dumps(asdict(order)), str(channel)]
    return subprocess.Popen(  # noqa: S603 - the Python that runs this, with a program of our own
        [sys.executable, "-I", "-S", "-B", "-c", _SUPERVISOR, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(variables),
        pass_fds=[channel],
        # Ctrl-C is for envlock, which ends the supervisor.
        start_new_session=True,
    )


def _read_account(stream: IO[bytes]) -> dict[str, Any]:
    """What the supervisor says of the command, as fields of `Ended`."""
    told = stream.read(_LARGEST_ACCOUNT)
    if not told:
        # It was killed: by the command, or at the end of its time.
        return {"exit_code": -signal.SIGKILL, "excess": "time", "guarantees": frozenset()}
    account = json.loads(told)
    if "refusal" in account:
        raise RefusedError(account["refusal"])
    return {**account, "guarantees": frozenset(account["guarantees"])}


@contextmanager
def _ended_at_last(supervisor: subprocess.Popen[bytes]) -> Iterator[None]:
    """Leave neither the supervisor nor what it watches over behind, however the block ends."""
    try:
        yield
    finally:
        supervisor.terminate()
        try:
            supervisor.wait(_TIME_TO_END_ALL)
        except subprocess.TimeoutExpired:
            supervisor.kill()
            supervisor.wait()


def _send(child: subprocess.Popen[bytes], request: bytes) -> None:
    stream = child.stdin
    if stream is not None:
        with suppress(BrokenPipeError), stream:
            stream.write(request)


class _BoundedReader:
    """Reads a pipe to its end in the background, and keeps the last *limit* bytes."""

    def __init__(self, stream: IO[bytes] | None, limit: int) -> None:
        self._limit = limit
        self._kept = b""
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def finish(self) -> bytes:
        """What was kept, once the pipe is closed at its other end."""
        # Where a process could get away, it may hold the pipe open for ever.
        self._thread.join(_TIME_TO_END_ALL)
        return self._kept

    def _read(self, stream: IO[bytes] | None) -> None:
        if stream is not None:
            with stream:
                while chunk := os.read(stream.fileno(), 64 * 1024):
                    self._kept = (self._kept + chunk)[-self._limit :]
