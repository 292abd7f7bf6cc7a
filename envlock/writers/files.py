"""Writing files whole or not at all, and never over somebody else's."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from envlock.errors import OccupiedPathError, WriteError
from envlock.writers.interface import LockWriter

_BEGINNING = 4096
"""Characters in which a writer knows its files."""


def refuse_foreign_file(path: Path, writers: Iterable[LockWriter]) -> None:
    """Make sure that *path* is free, or holds a file of one of *writers*.

    Raises:
        OccupiedPathError: Something is there that none of them wrote, or that cannot be read.
    """
    refuse_unknown_file(path, lambda: find_writer(path, writers) is not None, option="-o")


def refuse_unknown_file(path: Path, is_ours: Callable[[], bool], *, option: str) -> None:
    """Make sure that *path*, which *option* names, is free or holds a file that *is_ours*, as is found by reading it.

    Raises:
        OccupiedPathError: Something else is there, or what is there cannot be read.
    """
    if not os.path.lexists(path):
        return
    hint = f"name another file with {option}, or move it away"
    if path.is_symlink():
        # Writing through it would change a file in another place, writing over it would take the link away.
        found, hint = "is a link", f"name the file that it points to with {option}"
    elif not path.is_file():
        found = f"is {'a folder' if path.is_dir() else 'no plain file'}"
    else:
        try:
            if is_ours():
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
    beginning = read_beginning(path)
    return next((writer for writer in writers if writer.is_ours(beginning)), None)


def read_beginning(path: Path) -> str:
    """As much of a text file as tells who wrote it.

    Raises:
        OSError: It cannot be read.
    """
    with path.open(encoding="utf-8", errors="replace") as stream:
        return stream.read(_BEGINNING)


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
    with ExitStack() as stack:
        for path, text in texts.items():
            with write_errors(path):
                _remove_abandoned(path)
                staged[path] = stack.enter_context(_staged(path, text))
        yield
        for path, temporary in staged.items():
            with write_errors(path):
                temporary.replace(path)


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn what the system refuses in the block into an error that names *path*.

    Raises:
        WriteError: The disk is full, the place is missing or may not be written to.
    """
    try:
        yield
    except OSError as error:
        raise WriteError(str(path), error.strerror or str(error)) from error


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that it holds; nothing where none is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


_STAGED_SUFFIX = ".envlock-draft"


@contextmanager
def _staged(path: Path, text: str) -> Iterator[Path]:
    """A file beside *path*, on the same disk, with all of *text*; it is held until the block ends, and then gone."""
    with NamedTemporaryFile(
        "w",
        encoding="utf-8",
        newline="\n",
        dir=path.parent,
        prefix=f".{path.name}.",
        suffix=_STAGED_SUFFIX,
        delete=False,
    ) as stream:
        temporary = Path(stream.name)
        try:
            _hold(stream)
            stream.write(text)
            stream.flush()
            # Temporary files are private; a lock is for everybody who may read the folder.
            temporary.chmod(0o644)
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)


def _remove_abandoned(path: Path) -> None:
    """Remove what was staged for *path* by runs that were killed."""
    name = re.compile(re.escape(f".{path.name}.") + r"\w+" + re.escape(_STAGED_SUFFIX))
    for staged in [child for child in path.parent.iterdir() if name.fullmatch(child.name)]:
        # Another user's, or one that another run holds, or has removed just now.
        with suppress(OSError), staged.open("rb") as stream:
            _hold(stream)
            staged.unlink()


def _hold(stream: IO[str] | IO[bytes]) -> None:
    """Claim an open file until it is closed.

    Raises:
        BlockingIOError: Another run holds it.
    """
    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
