"""One temporary folder for a run: whatever it and its children leave there is gone afterwards, even after kill -9.

The folder is held by a lock that ends with its last holder. A run removes what earlier ones, which were killed, have
left behind.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "envlock-run-"


@contextmanager
def private_temporary_folder() -> Iterator[None]:
    """Within the block, temporary files of this process and of its children lie in a folder of their own."""
    parent = Path(tempfile.gettempdir())
    _remove_abandoned(parent)
    folder, handle = _make_held_folder(parent)
    usual, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    try:
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        yield
    finally:
        tempfile.tempdir = usual
        if variable is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = variable
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _make_held_folder(parent: Path) -> tuple[str, int]:
    """A new folder, and the descriptor that holds it."""
    while True:
        folder = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
        # Until it is held, another run may take it for abandoned.
        if Path(folder).is_dir():
            return folder, handle
        os.close(handle)


def _remove_abandoned(parent: Path) -> None:
    """Remove the folders of this user's runs that have ended."""
    for folder in parent.glob(f"{_PREFIX}*"):
        # Another user's, or one that another run removes just now.
        with suppress(OSError):
            if not folder.is_symlink() and folder.lstat().st_uid == os.getuid():
                _remove_unless_held(folder)


def _remove_unless_held(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)
