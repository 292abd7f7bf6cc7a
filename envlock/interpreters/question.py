"""An executable -> what it says of itself: asked in a child that is isolated and bounded, since it may be anything."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from packaging.version import InvalidVersion, Version

PROBE = Path(__file__).parents[1] / "probes" / "describe_interpreter.py"

Facts = dict[str, Any]
"""What the probe prints, checked by :func:`check_facts`."""

_TEXTS = ("implementation", "version", "prefix", "executable", "abi_flags", "system", "machine", "libc")
_LARGEST_ANSWER = 64 * 1024
_NO_PYTHON = "its answer is not that of a Python interpreter"

# Pythons before 3.4 do not know -I. It implies -E and -s, which keep the person's variables and packages out, and keeps
# the folder of the script off the path. Without `site` (-S) nothing that is installed runs.
_ISOLATED = ("-I", "-S", "-B")
_ISOLATED_BEFORE_3_4 = ("-E", "-s", "-S", "-B")
_UNKNOWN_OPTION = 2


class NoAnswerError(Exception):
    """An executable does not say what it is; the message is one clause."""


def ask(executable: Path, *, time_limit: float) -> Facts:
    """What *executable* says of itself within *time_limit* seconds.

    Raises:
        NoAnswerError: It is no Python, is broken, or does not end.
    """
    code, answer = _run([str(executable), *_ISOLATED, str(PROBE)], time_limit)
    if code == _UNKNOWN_OPTION:
        code, answer = _run([str(executable), *_ISOLATED_BEFORE_3_4, str(PROBE)], time_limit)
    if code != 0:
        raise NoAnswerError(f"killed by signal {-code}" if code < 0 else f"exit status {code}")
    try:
        return check_facts(json.loads(answer))
    except (ValueError, RecursionError) as error:
        raise NoAnswerError(_NO_PYTHON) from error


def check_facts(document: object) -> Facts:
    """*document*, as the probe prints it.

    Raises:
        ValueError: It is something else.
    """
    if not isinstance(document, dict) or not isinstance(document.get("bits"), int):
        raise ValueError(_NO_PYTHON)
    if not all(isinstance(document.get(name), str) for name in _TEXTS):
        raise ValueError(_NO_PYTHON)
    try:
        Version(document["version"])
    except InvalidVersion as error:
        raise ValueError(_NO_PYTHON) from error
    return document


def _run(command: Sequence[str], time_limit: float) -> tuple[int, bytes]:
    """The exit status and the output of *command*, which sees nothing of the person's folder."""
    # On macOS, the launcher of a virtual environment tells its children by this who they are.
    environment = {name: value for name, value in os.environ.items() if name != "__PYVENV_LAUNCHER__"}
    deadline = time.monotonic() + time_limit
    try:
        child = subprocess.Popen(  # noqa: S603 - the interpreters of this machine, found where they are installed
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=PROBE.parent,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise NoAnswerError(error.strerror or type(error).__name__) from error
    with child:
        try:
            answer = _read(child, deadline)
            return child.wait(max(0.0, deadline - time.monotonic())), answer
        except subprocess.TimeoutExpired as error:
            raise NoAnswerError(f"no answer within {time_limit:g} seconds") from error
        finally:
            _end(child)


def _read(child: subprocess.Popen[bytes], deadline: float) -> bytes:
    """What *child* prints until it closes its output, and not much more than an answer may have."""
    assert child.stdout is not None  # noqa: S101 - it was asked for
    answer = bytearray()
    # The reader has a descriptor of its own, since it may outlive the child.
    stream = os.fdopen(os.dup(child.stdout.fileno()), "rb", buffering=0)

    def read() -> None:
        with stream:
            while len(answer) <= _LARGEST_ANSWER and (part := stream.read(_LARGEST_ANSWER)):
                answer.extend(part)

    # Something else may hold the output open after the child has ended.
    reader = Thread(target=read, daemon=True)
    reader.start()
    reader.join(max(0.0, deadline - time.monotonic()))
    if reader.is_alive():
        raise subprocess.TimeoutExpired(child.args, deadline)
    if len(answer) > _LARGEST_ANSWER:
        raise NoAnswerError(_NO_PYTHON)
    return bytes(answer)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Leave nothing of *child* running: on POSIX, neither what it has started."""
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    elif child.poll() is None:
        child.kill()
