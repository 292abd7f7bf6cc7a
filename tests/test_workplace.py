"""Temporary files lie in one folder, which does not outlive its run for long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from envlock.workplace import private_temporary_folder

HOLD = """
from envlock.workplace import private_temporary_folder
with private_temporary_folder():
    open(__import__("os").environ["TMPDIR"] + "/left", "w").close()
    print("ready", flush=True)
    input()
"""


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What temporary files usually go to."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_files_of_the_block_are_gone_after_it(parent: Path) -> None:
    with private_temporary_folder():
        Path(tempfile.mkdtemp(), "file").touch()
        (folder,) = parent.iterdir()
        assert [tempfile.gettempdir(), os.environ["TMPDIR"]] == [str(folder)] * 2

    assert list(parent.iterdir()) == []
    assert [tempfile.gettempdir(), os.environ["TMPDIR"]] == [str(parent)] * 2


def test_what_a_killed_run_left_is_removed_and_what_a_living_one_uses_is_not(parent: Path) -> None:
    (parent / "envlock-run-notes.txt").write_text("mine")
    (parent / "envlock-run-link").symlink_to(parent)
    runs = [
        subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)
    ]
    for run in runs:
        assert run.stdout is not None
        run.stdout.readline()
    runs[0].send_signal(signal.SIGKILL)
    runs[0].communicate()
    with private_temporary_folder():
        folders = [path for path in parent.iterdir() if path.is_dir() and not path.is_symlink()]
    left = [path for path in folders if path.exists()]
    runs[1].communicate(b"\n")

    assert len(left) == 1
    assert sorted(path.name for path in parent.iterdir()) == ["envlock-run-link", "envlock-run-notes.txt"]
