"""A place that a hostile command must not reach, and a way to run one at each level."""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from envlock.isolation import LEVELS
from envlock.isolation.choice import Isolation, choose_isolation
from envlock.isolation.interface import Guarantee, Limits
from envlock.isolation.running import Ended

LIMITS = Limits(seconds=20, memory=512 << 20, processes=50, file_size=4 << 20, home_size=8 << 20, open_files=64)

# What every program of these tests may use: the places below, by name.
PRELUDE = """\
import ctypes, mmap, os, resource, signal, socket, sys, time
artifact, environment, home, outside, port, service, abstract, neighbour, mark = sys.argv[1:]
port, neighbour = int(port), int(neighbour)
"""


@dataclass
class Surroundings:
    """What a person has on their machine: files, services, processes."""

    folder: Path
    listeners: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("artifact", "environment", "home/.ssh", "outside"):
            (self.folder / name).mkdir(parents=True)
        (self.artifact / "model").write_text("model")
        (self.environment / "package.py").write_text("package = 1\n")
        (self.folder / "home/.ssh/id_rsa").write_text("secret")
        self.mark = f"{os.getpid()}.{time.monotonic_ns()}"
        self.neighbour = subprocess.Popen(["sleep", f"100.{self.mark.replace('.', '')}"])
        self.port = self._listen(socket.AF_INET, ("127.0.0.1", 0)).getsockname()[1]
        # In a folder that the command may read: nothing but the isolation keeps it away.
        self._listen(socket.AF_UNIX, str(self.service))
        self._listen(socket.AF_UNIX, f"\0{self.mark}")

    @property
    def artifact(self) -> Path:
        return self.folder / "artifact"

    @property
    def environment(self) -> Path:
        return self.folder / "environment"

    @property
    def service(self) -> Path:
        return self.artifact / "socket"

    @property
    def readable(self) -> list[Path]:
        return [self.artifact, self.environment]

    def command(self, program: str) -> list[str]:
        places = (self.artifact, self.environment, self.folder / "home", self.folder / "outside")
        words = (*places, self.port, self.service, self.mark, self.neighbour.pid, self.mark)
        return [sys.executable, "-I", "-S", "-c", PRELUDE + program, *map(str, words)]

    def state(self) -> object:
        """Everything that a command could have changed."""
        files = {
            str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in sorted(self.folder.rglob("*"))
        }
        return files, self.neighbour.poll(), [_has_visitor(listener) for listener in self.listeners]

    def survivors(self) -> list[int]:
        """Processes that a command has started under the mark."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if f"survivor-{self.mark}".encode() in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
        return found

    def close(self) -> None:
        self.neighbour.kill()
        self.neighbour.wait()
        for listener in self.listeners:
            listener.close()

    def _listen(self, family: int, address: object) -> socket.socket:
        listener = socket.socket(family)
        self.listeners.append(listener)
        listener.bind(address)  # type: ignore[arg-type]
        listener.listen()
        listener.setblocking(False)
        return listener


def _has_visitor(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@pytest.fixture
def surroundings(tmp_path: Path) -> Iterator[Surroundings]:
    made = Surroundings(tmp_path)
    yield made
    made.close()


@functools.cache
def find_isolation(level: str) -> Isolation | str:
    """The isolation of a level, or why this machine does not give it."""
    try:
        return choose_isolation(Path(sys.executable), readable=[], levels=[level])
    except OSError as error:
        return str(error)


@pytest.fixture(params=[level.name for level in LEVELS])
def isolation(request: pytest.FixtureRequest) -> Isolation:
    """Each level in turn."""
    found = find_isolation(request.param)
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture
def require(isolation: Isolation) -> Callable[[Guarantee], None]:
    """Ends the test where the level does not promise something."""

    def require(guarantee: Guarantee) -> None:
        if guarantee not in isolation.guarantees:
            pytest.skip(f"{isolation.level} does not promise {guarantee} here")

    return require


Run = Callable[..., Ended]


@pytest.fixture
def run(isolation: Isolation, surroundings: Surroundings) -> Run:
    """Runs a program at the level, with the limits above but for those that are named."""

    def run(program: str, **changed: float) -> Ended:
        return isolation.run(
            surroundings.command(program),
            request=b"request",
            readable=surroundings.readable,
            variables={},
            limits=replace(LIMITS, **changed),
        )

    return run
