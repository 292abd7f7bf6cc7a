"""Writing a file whole or not at all, and never over somebody else's."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from envlock.errors import OccupiedPathError, WriteError
from envlock.writers.interface import LockWriter


def refuse_foreign_file(path: Path, writer: LockWriter) -> None:
    """Make sure that *path* is free, or holds a file of *writer*.

    Raises:
        OccupiedPathError: Something is there that *writer* did not write, or that cannot be read.
    """
    if not os.path.lexists(path):
        return
    try:
        if path.is_file() and not path.is_symlink() and writer.is_ours(_beginning_of(path)):
            return
        found = "exists and was not written by envlock"
    except OSError as error:
        found = f"exists and cannot be read ({error.strerror or error})"
    raise OccupiedPathError(str(path), found=found, hint="name another file with -o, or move it away")


def _beginning_of(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as stream:
        return stream.read(4096)


def write_whole(path: Path, text: str) -> None:
    """Write *text* to *path* so that a reader sees the old file or the new one, never a part.

    Raises:
        WriteError: The disk is full, the folder is missing or may not be written to.
    """
    try:
        with NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as stream:
            temporary = Path(stream.name)
            try:
                stream.write(text)
                stream.flush()
                # Temporary files are private; a lock is for everybody who may read the folder.
                temporary.chmod(0o644)
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise WriteError(str(path), error.strerror or str(error)) from error
