"""Writing files whole or not at all, and never over somebody else's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from envlock.errors import OccupiedPathError, WriteError
from envlock.writers.interface import LockWriter

_BEGINNING = 4096
"""Characters in which a writer knows its files."""


def refuse_foreign_file(path: Path, writers: Iterable[LockWriter]) -> None:
    """Make sure that *path* is free, or holds a file of one of *writers*.

    Raises:
        OccupiedPathError: Something is there that none of them wrote, or that cannot be read.
    """
    if not os.path.lexists(path):
        return
    hint = "name another file with -o, or move it away"
    if path.is_symlink():
        # Writing through it would change a file in another place, writing over it would take the link away.
        found, hint = "is a link", "name the file that it points to with -o"
    elif not path.is_file():
        found = f"is {'a folder' if path.is_dir() else 'no plain file'}"
    else:
        try:
            if find_writer(path, writers) is not None:
                return
            found = "exists and was not written by envlock"
        except OSError as error:
            found = f"exists and cannot be read ({error.strerror or error})"
    raise OccupiedPathError(str(path), found=found, hint=hint)


def find_writer(path: Path, writers: Iterable[LockWriter]) -> LockWriter | None:
    """Which of *writers* wrote the file at *path*; ``None`` where there is no file, or none of them did.

    Raises:
        OSError: The file cannot be read.
    """
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", errors="replace") as stream:
        beginning = stream.read(_BEGINNING)
    return next((writer for writer in writers if writer.is_ours(beginning)), None)


def write_whole(path: Path, text: str) -> None:
    """Write *text* to *path* so that a reader sees the old file or the new one, never a part.

    Raises:
        WriteError: The disk is full, the folder is missing or may not be written to.
    """
    with written_together({path: text}):
        pass


@contextmanager
def written_together(texts: Mapping[Path, str]) -> Iterator[None]:
    """Put the texts where they belong when the block ends, each whole; none where it raises, or where one has no room.

    Raises:
        WriteError: The disk is full, a folder is missing or may not be written to.
    """
    staged: dict[Path, Path] = {}
    try:
        for path, text in texts.items():
            with _write_errors(path):
                staged[path] = _stage(path, text)
        yield
        for path, temporary in staged.items():
            with _write_errors(path):
                temporary.replace(path)
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


def _stage(path: Path, text: str) -> Path:
    """A file beside *path*, on the same disk, with all of *text*."""
    with NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as stream:
        temporary = Path(stream.name)
        try:
            stream.write(text)
            stream.flush()
            # Temporary files are private; a lock is for everybody who may read the folder.
            temporary.chmod(0o644)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return temporary


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(str(path), error.strerror or str(error)) from error
