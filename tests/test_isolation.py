"""Inspection opens the artifact, Python and envlock, and nothing else; it starts nothing, sends nothing, writes nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import envlock

ASSETS = Path(__file__).parent / "assets"
PACKAGE = Path(envlock.__file__).parent
STRACE = shutil.which("strace")

PYTHON = tuple(
    Path(place)
    for place in (sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path)
    if place and not PACKAGE.is_relative_to(place)  # of a checkout, the package alone counts
)
SYSTEM = tuple(
    map(Path, ("/etc/ld.so.cache", "/etc/localtime", "/lib", "/lib64", "/usr/lib", "/usr/share", "/proc/self"))
)
"""What the loader of shared libraries and the C library open for any program."""

HOSTILE = (
    "hdf5/links-latest-2.0.h5",  # external links, soft links in a circle
    "hdf5/unread-datasets-earliest-2.0.h5",  # external storage, virtual datasets
    "keras/tf-2.21-lambda.keras",  # bytecode
    "keras/keras-2.0.9-lambda.h5",
    "saved_model/1.15",  # assets
    "saved_model/2.6/saved_model.pb",
)

# Runs the command line with a hook that tells of every event that reaches outside of the process.
WATCHED = """
import json, os, sys

def watch(event, arguments):
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, (str, bytes)):
            events.append([event, os.path.abspath(os.fsdecode(path)), bool(flags & (os.O_WRONLY | os.O_RDWR))])
    elif event.partition(".")[0] in FOREIGN or event in FOREIGN:
        events.append([event, repr(arguments), False])

FOREIGN = {"socket", "subprocess", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system",
           "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
           "os.kill", "shutil", "tempfile", "urllib", "http", "ftplib", "pickle", "ctypes", "pty", "webbrowser"}
events = []
sys.dont_write_bytecode = True
sys.addaudithook(watch)
from envlock.cli import main
code = main(["inspect", sys.argv[1]])
sys.stderr.write("\\n" + json.dumps([code, events]))
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_inspection_raises_no_event_beyond_reading_the_artifact(name: str, tmp_path: Path) -> None:
    artifact = ASSETS / name

    completed = run([sys.executable, "-c", WATCHED, str(artifact)], tmp_path)
    code, events = json.loads(completed.stderr.splitlines()[-1])

    assert code in (0, 2)
    assert [event for event in events if event[0] != "open" or event[2]] == []
    opened = {Path(path) for _, path, _ in events}
    assert {path for path in opened if not is_allowed(path, artifact)} == set()
    assert any(is_within(path, artifact) for path in opened)


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
@pytest.mark.parametrize("name", HOSTILE)
def test_inspection_makes_no_system_call_beyond_reading_the_artifact(name: str, tmp_path: Path) -> None:
    artifact, log, folder = ASSETS / name, tmp_path / "log", tmp_path / "empty"
    folder.mkdir()
    traced = [str(STRACE), "-f", "-s", "4096", "-e", "trace=file,network,process,desc", "-o", str(log)]

    completed = run([*traced, sys.executable, "-B", "-m", "envlock", "inspect", str(artifact)], folder)
    if not log.exists() or "ptrace" in completed.stderr.lower():
        pytest.skip("strace may not trace here")
    calls = parse_calls(log.read_text(errors="replace"))

    assert completed.returncode in (0, 2)
    assert [call for call in calls if call[0] in ("socket", "connect", "fork", "vfork", "sendto", "unlink")] == []
    assert [call for call in calls if call[0].startswith("execve")][1:] == []
    assert [call for call in calls if call[0] in ("open", "openat", "creat") and is_write(call)] == []
    opened = {Path(path) for call in calls if (path := opened_path(call))}
    assert {path for path in opened if path != folder and not is_allowed(path, artifact)} == set()
    assert any(is_within(path, artifact) for path in opened)


# --- helpers -------------------------------------------------------------------------------------------------


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """What became of *command* in *folder*, where no configuration lies that it would read."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(PACKAGE.parent)}
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=environment, cwd=folder
    )


def parse_calls(log: str) -> list[tuple[str, str, str]]:
    """Name, arguments and result of every call in the log of strace."""
    lines = (re.match(r"\d+ +(\w+)\((.*)\) += +(.*)", line) for line in log.splitlines())
    return [(found[1], found[2], found[3]) for found in lines if found]


def is_write(call: tuple[str, str, str]) -> bool:
    return re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", call[1]) is not None


def opened_path(call: tuple[str, str, str]) -> str | None:
    """The path that a call opened; ``None`` for other calls and for what was not there."""
    name, arguments, result = call
    found = re.search(r'"((?:[^"\\]|\\.)*)"', arguments)
    if name not in ("open", "openat") or result.startswith("-1") or found is None:
        return None
    return os.path.normpath(PACKAGE.parent / found[1])


def is_allowed(path: Path, artifact: Path) -> bool:
    """Whether a Python process that runs envlock has to open *path*, or it belongs to the artifact."""
    places = (files_of(artifact), PACKAGE, PACKAGE.parent / "data", *PYTHON, *SYSTEM)
    return path == PACKAGE.parent or any(is_within(path, place) for place in places)


def files_of(artifact: Path) -> Path:
    """The artifact, or the whole folder of the SavedModel that its file stands for."""
    return artifact.parent if artifact.name == "saved_model.pb" else artifact


def is_within(path: Path, place: Path) -> bool:
    return path == place or place in path.parents
