"""Which level of isolation this machine gives, found out by using it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from envlock.errors import EnvlockError
from envlock.isolation import LEVELS
from envlock.isolation.interface import Guarantee, Limits, default_limits
from envlock.isolation.running import Ended, RefusedError, run_at
from envlock.isolation.visible import SYSTEM, environment_places

_TRIAL_SECONDS = 20.0
# In the syntax of every Python: whether it starts, and may open what the command is going to open. An environment of
# Python 2.7 finds its standard library by `site`, which is left out here: these modules are part of the interpreter.
_TRIAL = """\
import posix, sys
for path in sys.argv[1:]:
    posix.close(posix.open(path, posix.O_RDONLY))
"""


_PHRASES: Mapping[Guarantee, str] = {
    "hidden-files": "hide your files",
    "read-only": "keep them from being changed",
    "no-network": "bar the network",
}
"""What is worth saying where it is missing."""


class UnstartablePythonError(EnvlockError):
    """The interpreter of an environment does not start, isolated or not."""

    reference = "python-does-not-start"

    def __init__(self, python: str, detail: str) -> None:
        super().__init__(python, detail)
        self.python, self.detail = python, detail

    def __str__(self) -> str:
        return f"{self.python} cannot be started: {self.detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """What divides a command from everything else on this machine."""

    level: str
    """``bubblewrap``, ``namespaces``, ``landlock`` or ``limits``."""

    guarantees: frozenset[Guarantee]
    """What was in force when it was tried."""

    passed_over: tuple[tuple[str, str], ...] = ()
    """Better levels, best first, each with the reason why it cannot be had."""

    def __str__(self) -> str:
        """One phrase, which names what is missing."""
        missing = [text for guarantee, text in _PHRASES.items() if guarantee not in self.guarantees]
        return f"isolated by {self.level}" + (f", which does not {' or '.join(missing)}" if missing else "")

    def run(
        self,
        command: Sequence[str],
        *,
        request: bytes,
        readable: Sequence[Path],
        variables: Mapping[str, str],
        limits: Limits,
    ) -> Ended:
        """Run the Python of an environment with *request* on its standard input.

        Args:
            command: The interpreter by its absolute path, and its arguments.
            request: What the command reads from its standard input.
            readable: Files and folders that it may read, beside its own and the system's.
            variables: Its whole environment, beside ``HOME`` and ``TMPDIR``, which are empty folders.
            limits: What it may take until it is killed, with all that it has started.

        Raises:
            OSError: The command cannot be started.
        """
        return run_at(
            self.level,
            command,
            request=request,
            readable=(*SYSTEM, *environment_places(command[0]), *_absolute(readable)),
            variables=variables,
            limits=limits,
        )


def choose_isolation(python: Path, *, readable: Sequence[Path], levels: Sequence[str] = ()) -> Isolation:
    """The best level at which *python* starts and can open what it is to read.

    Args:
        python: The interpreter of an environment.
        readable: Existing files and folders that it is going to read.
        levels: Names of the levels to choose from, instead of all.

    Raises:
        UnstartablePythonError: It does not start at any.
    """
    passed_over: list[tuple[str, str]] = []
    for level in LEVELS:
        if levels and level.name not in levels:
            continue
        candidate = Isolation(level=level.name, guarantees=frozenset(), passed_over=tuple(passed_over))
        try:
            ended = _try(candidate, python, readable)
        except RefusedError as error:
            passed_over.append((level.name, str(error)))
            continue
        if ended.exit_code == 0:
            return Isolation(level=level.name, guarantees=ended.guarantees, passed_over=tuple(passed_over))
        passed_over.append((level.name, _last_line(ended.complaint) or f"exit status {ended.exit_code}"))
    raise UnstartablePythonError(str(python), passed_over[-1][1])


def _try(isolation: Isolation, python: Path, readable: Sequence[Path]) -> Ended:
    command = [str(python), "-E", "-S", "-B", "-c", _TRIAL, *_absolute(readable)]
    variables = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    limits = default_limits(_TRIAL_SECONDS)
    return isolation.run(command, request=b"", readable=readable, variables=variables, limits=limits)


def _absolute(paths: Sequence[Path]) -> tuple[str, ...]:
    return tuple(str(path.absolute()) for path in paths)


def _last_line(text: bytes) -> str:
    return text.decode("utf-8", errors="replace").strip().rpartition("\n")[2]
