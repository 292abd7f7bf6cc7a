"""A run of the main job that is killed at any moment, and then repeated: the right result, and nothing left over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envlock.environment import MARKER_NAME
from envlock.interpreters import Interpreter
from envlock.verification.record import RECORD_NAME

pytestmark = [pytest.mark.online, pytest.mark.environments]

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "tests" / "assets" / "example" / "model.h5"

# Ends the process, as kill -9 does, once a condition holds: seen from another thread, or just before a call.
RUN = """
import os, signal, sys, threading, time
from pathlib import Path

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def die_when(condition):
    def watch():
        while not condition():
            time.sleep(0.001)
        die()
    threading.Thread(target=watch, daemon=True).start()

def die_before(owner, name, condition=lambda *arguments: True):
    original = getattr(owner, name)
    def call(*arguments, **keywords):
        return die() if condition(*arguments) else original(*arguments, **keywords)
    setattr(owner, name, call)

sys.path.insert(0, sys.argv.pop(1))
exec(sys.argv.pop(1))
from envlock.cli import main
sys.exit(main(sys.argv[1:]))
"""

MOMENTS = {
    "while the empty environment is made": "die_when(lambda: Path('.venv/bin').exists())",
    "while distributions are installed": "die_when(lambda: [*Path('.venv').glob('lib/python*/site-packages/*-info')])",
    "between the installation and its marker": """
from envlock.environment import places
write = places.write_marker
places.write_marker = lambda *a, state: die() if state == 'ready' else write(*a, state=state)
""",
    "while the model is loaded": """
from envlock.isolation import running
start = running._start_supervisor
running._start_supervisor = lambda *a: (start(*a), threading.Timer(0.5, die).start())[0]
""",
    "while the lock is written": "die_before(Path, 'replace', lambda path, to: to.name == 'requirements.txt')",
}


@pytest.fixture
def run_in(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the main job in a folder of its own, with temporary files in another, after some preparation."""
    for name in ("project", "temporary"):
        (tmp_path / name).mkdir()

    def run(preparation: str = "") -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-c", RUN, ROOT, preparation, "from-model", MODEL, "--json", "--python-version", "3.8"]
        variables = os.environ | {"TMPDIR": str(tmp_path / "temporary")}
        return subprocess.run(
            words, cwd=tmp_path / "project", env=variables, capture_output=True, text=True, check=False
        )

    return run


def processes_in(folder: Path) -> list[str]:
    """Command lines of the processes that name *folder*."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_was_killed_is_made_good_by_the_next(
    moment: str,
    tmp_path: Path,
    run_in: Callable[..., subprocess.CompletedProcess[str]],
    require_interpreter: Callable[[str], Interpreter],
) -> None:
    require_interpreter("3.8")

    killed = run_in(MOMENTS[moment])
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "project" / "requirements.txt").exists()
    repeated = run_in()

    assert repeated.returncode == 0, repeated.stderr
    document = json.loads(repeated.stdout)
    assert document["verification"]["predicts"]
    assert document["already_verified"] == (moment == "while the lock is written")
    made = sorted(path.name for path in (tmp_path / "project").iterdir())
    assert made == [".venv", "load_model.py", "requirements.txt"]
    ours = [path.name for path in (tmp_path / "project" / ".venv").iterdir() if "envlock" in path.name]
    assert sorted(ours) == [RECORD_NAME, MARKER_NAME]
    assert list((tmp_path / "temporary").iterdir()) == []
    assert processes_in(tmp_path) == []


def test_the_next_run_after_a_good_one_takes_its_word(
    tmp_path: Path,
    run_in: Callable[..., subprocess.CompletedProcess[str]],
    require_interpreter: Callable[[str], Interpreter],
) -> None:
    require_interpreter("3.8")
    first = json.loads(run_in().stdout)
    lock = (tmp_path / "project" / "requirements.txt").read_bytes()

    second = json.loads(run_in().stdout)

    assert second["already_verified"]
    assert {**first, "already_verified": True, "seconds": second["seconds"]} == second
    assert (tmp_path / "project" / "requirements.txt").read_bytes() == lock
