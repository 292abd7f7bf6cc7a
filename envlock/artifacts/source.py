"""Where the bytes of artifacts come from: local paths, open streams, remote file systems.

Each class is an :class:`~envlock.artifacts.interface.ArtifactSource`. What an artifact holds never chooses what is
opened beyond its own folder: names with ``..`` are refused, and so are links, pipes, sockets and devices in a folder.
"""

from __future__ import annotations

import importlib
import io
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from envlock.errors import (
    ArtifactError,
    LimitExceededError,
    MissingArtifactError,
    NotAModelError,
    UnsupportedFeatureError,
    UsageError,
)
from envlock.formats.ranges import BLOCK_SIZE, RangeStream
from envlock.formats.text import printable

_MOST_FILES = 100_000
_DEEPEST_FOLDER = 16
_INDEX_SUFFIX = ".index"

# O_NONBLOCK: a FIFO put in place of the file must not make the opening wait for a writer.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class LocalSource:
    """A file or folder on this machine. *path* itself may be a link, what is in the folder may not.

    The name of a checkpoint, to which no file answers, stands for its index: ``model.ckpt`` for ``model.ckpt.index``.
    """

    def __init__(self, path: Path) -> None:
        """Look at what is at *path*, without opening it.

        Raises:
            MissingArtifactError: Nothing is there, or it may not be looked at.
            NotAModelError: It is a pipe, socket or device.
        """
        try:
            self.path, mode = _look_at(path)
        except (OSError, ValueError) as error:
            # A ValueError is how Python refuses a path with a null character.
            raise MissingArtifactError(str(path), reason=_reason(error)) from error
        self.is_folder = stat.S_ISDIR(mode)
        if not self.is_folder and not stat.S_ISREG(mode):
            raise NotAModelError(str(path), found="a pipe, socket or device")

    def open(self, name: str = "") -> BinaryIO:
        """Open the file, or the file *name* of the folder."""
        flags = _OPEN_FLAGS | (_NO_LINK if name else 0)
        try:
            descriptor = os.open(self._locate(name), flags)
        except OSError as error:
            raise MissingArtifactError(name or str(self.path), reason=_reason(error)) from error
        stream = os.fdopen(descriptor, "rb", buffering=0)
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            stream.close()
            raise _refuse(name, mode)
        return cast("BinaryIO", stream)

    def names(self, folder: str = "") -> tuple[str, ...]:
        """Names of what stands directly in the folder, sorted; at most 100,000."""
        try:
            with os.scandir(self._locate(folder)) as entries:
                return tuple(sorted(entry.name for entry, _ in zip(entries, range(_MOST_FILES), strict=False)))
        except OSError as error:
            raise MissingArtifactError(folder or str(self.path), reason=_reason(error)) from error

    def files(self, *parts: str) -> dict[str, int]:
        """Relative name to bytes of every file of the folder, or of those among and within *parts*."""
        if not self.is_folder:
            return {}
        return dict(sorted(self._walk(parts)))

    def beside(self) -> LocalSource:
        """The folder that the file stands in."""
        return LocalSource(self.path.parent)

    def within(self, name: str) -> LocalSource:
        """The file or folder *name* of the folder, as an artifact of its own."""
        return LocalSource(self._locate(name))

    def _walk(self, parts: Iterable[str]) -> Iterator[tuple[str, int]]:
        remaining = [PurePosixPath(name) for name in (parts or self.names())]
        count = 0
        while remaining:
            name = remaining.pop()
            count += 1
            _check_count(name, count)
            try:
                status = (self.path / name).lstat()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise MissingArtifactError(printable(str(name)), reason=_reason(error)) from error
            if stat.S_ISREG(status.st_mode):
                yield str(name), status.st_size
            elif stat.S_ISDIR(status.st_mode):
                remaining += [name / entry for entry in self.names(str(name))]
            else:
                raise _refuse(str(name), status.st_mode)

    def _locate(self, name: str) -> Path:
        """The path of *name*, once no part of it is known to be a link."""
        place = self.path
        for part in _checked_parts(name):
            place = place / part
            if place.is_symlink():
                raise _refuse(str(place.relative_to(self.path)), stat.S_IFLNK)
        return place


class StreamSource:
    """One file behind an open, seekable binary stream, which stays open."""

    is_folder = False

    def __init__(self, stream: BinaryIO, name: str = "stream") -> None:
        """Take *stream* under *name*, which stands for its path in messages and gives its suffix."""
        self.path = Path(name)
        self._stream = stream

    def open(self, name: str = "") -> AbstractContextManager[BinaryIO]:
        """The stream itself, from its start."""
        if name:
            raise MissingArtifactError(printable(name), reason="a stream has no other files")
        try:
            self._stream.seek(0)
        except (OSError, ValueError) as error:
            raise MissingArtifactError(str(self.path), reason=_reason(error)) from error
        return nullcontext(self._stream)

    def names(self, folder: str = "") -> tuple[str, ...]:
        """Nothing: a stream is no folder."""
        del folder
        return ()

    def files(self, *parts: str) -> dict[str, int]:
        """Nothing: a stream is no folder."""
        del parts
        return {}

    def beside(self) -> None:
        """Nothing is known of what stands beside a stream."""

    def within(self, name: str) -> StreamSource:
        """Refuse: a stream is no folder."""
        raise MissingArtifactError(printable(name), reason="a stream has no other files")


class FsspecSource:
    """A file or folder of an fsspec file system: http, s3, gs, memory and the like."""

    def __init__(self, file_system: Any, path: str) -> None:
        """Look at what is at *path* of *file_system*.

        Raises:
            MissingArtifactError: Nothing is there, or the file system cannot be reached.
        """
        self.path = Path(path)
        self._file_system = file_system
        self._root = path.rstrip("/")
        self._first_blocks: dict[str, bytes] = {}
        with _translated(path):
            self.is_folder = bool(file_system.info(self._root)["type"] == "directory")

    @classmethod
    def from_url(cls, url: str) -> FsspecSource:
        """The file or folder at *url*, such as ``https://host/model.h5`` or ``s3://bucket/model``.

        Raises:
            UsageError: fsspec, or what it needs for this kind of URL, is not installed.
            MissingArtifactError: Nothing is there, or it cannot be reached.
        """
        try:
            fsspec = importlib.import_module("fsspec")
            file_system, path = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            hint = "install it with: pip install 'envlock[remote]'"
            raise UsageError(f"{printable(url)}: cannot be opened: {printable(str(error))}", hint=hint) from error
        return cls(file_system, path)

    @contextmanager
    def open(self, name: str = "") -> Iterator[BinaryIO]:
        """Open the file, or the file *name* of the folder."""
        place = self._locate(name)
        with _translated(name or str(self.path)):
            # Ranges are chosen and kept by the reader: another cache would fetch megabytes for a few bytes.
            stream = self._file_system.open(place, "rb", cache_type="none")
        try:
            yield cast("BinaryIO", _RemoteStream(stream, self._first_blocks, place))
        finally:
            stream.close()

    def names(self, folder: str = "") -> tuple[str, ...]:
        """Names of what stands directly in the folder, sorted; at most 100,000."""
        return tuple(sorted(name for name, _ in self._list(folder)))

    def files(self, *parts: str) -> dict[str, int]:
        """Relative name to bytes of every file of the folder, or of those among and within *parts*."""
        if not self.is_folder:
            return {}
        return dict(sorted(self._walk(parts)))

    def beside(self) -> FsspecSource | None:
        """The folder that the file stands in; ``None`` where it cannot be listed, as on most web servers."""
        try:
            folder = FsspecSource(self._file_system, self._root.rpartition("/")[0])
            return folder if folder.names() else None
        except ArtifactError:
            return None

    def within(self, name: str) -> FsspecSource:
        """The file or folder *name* of the folder, as an artifact of its own."""
        return FsspecSource(self._file_system, self._locate(name))

    def _walk(self, parts: Iterable[str]) -> Iterator[tuple[str, int]]:
        wanted = {name.partition("/")[0] for name in parts}
        remaining = [(name, entry) for name, entry in self._list("") if not wanted or name in wanted]
        count = 0
        while remaining:
            name, entry = remaining.pop()
            count += 1
            _check_count(PurePosixPath(name), count)
            if entry["type"] == "directory":
                remaining += [(f"{name}/{child}", found) for child, found in self._list(name)]
            elif entry["type"] == "file" and not entry.get("islink"):
                yield name, entry["size"] or 0
            else:
                raise _refuse(name, stat.S_IFLNK if entry.get("islink") else stat.S_IFIFO)

    def _list(self, folder: str) -> list[tuple[str, dict[str, Any]]]:
        place = self._locate(folder)
        with _translated(folder or str(self.path)):
            entries = self._file_system.ls(place, detail=True)
        named = ((entry["name"].rstrip("/").rpartition("/")[2], entry) for entry in entries[:_MOST_FILES])
        return [(name, entry) for name, entry in named if name]

    def _locate(self, name: str) -> str:
        return "/".join((self._root, *_checked_parts(name)))


class _RemoteStream(RangeStream):
    """A remote file, of which the first block is fetched once for all who open it."""

    def __init__(self, stream: Any, first_blocks: dict[str, bytes], place: str) -> None:
        self._stream = stream
        self._first_blocks = first_blocks
        self._place = place
        with _translated(place):
            super().__init__(stream.seek(0, io.SEEK_END))

    def read_range(self, start: int, size: int) -> bytes:
        if start + size <= BLOCK_SIZE:
            return self._first_block()[start : start + size]
        return self._fetch(start, size)

    def _first_block(self) -> bytes:
        block = self._first_blocks.get(self._place)
        if block is None:
            block = self._first_blocks[self._place] = self._fetch(0, min(BLOCK_SIZE, self._size))
        return block

    def _fetch(self, start: int, size: int) -> bytes:
        with _translated(self._place):
            self._stream.seek(start)
            return bytes(self._stream.read(size))


@contextmanager
def _translated(place: str) -> Iterator[None]:
    """Turn what a file system raises into an error of this package.

    Each provider has exceptions of its own, and not all of them are kinds of OSError.
    """
    try:
        yield
    except ArtifactError:
        raise
    except Exception as error:
        raise MissingArtifactError(printable(place), reason=printable(_reason(error))) from error


def _look_at(path: Path) -> tuple[Path, int]:
    """The path of what is at *path*, or of the index where *path* names a checkpoint, and its mode."""
    try:
        return path, path.stat().st_mode
    except FileNotFoundError:
        index = path.with_name(f"{path.name}{_INDEX_SUFFIX}")
        if not index.is_file():
            raise
        return index, index.stat().st_mode


def _checked_parts(name: str) -> tuple[str, ...]:
    """The parts of a relative name.

    Raises:
        UnsupportedFeatureError: It leads out of the folder.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or ":" in name[:2]:
        raise UnsupportedFeatureError(printable(name), "a name that leads out of the folder")
    return path.parts


def _check_count(name: PurePosixPath, count: int) -> None:
    where = printable(str(name))
    if count > _MOST_FILES:
        raise LimitExceededError(where, what="number of files", limit=_MOST_FILES, found=count)
    if len(name.parts) > _DEEPEST_FOLDER:
        raise LimitExceededError(where, what="depth of folders", limit=_DEEPEST_FOLDER, found=len(name.parts))


def _refuse(name: str, mode: int) -> UnsupportedFeatureError:
    kind = "a symbolic link" if stat.S_ISLNK(mode) else "a pipe, socket or device"
    error = UnsupportedFeatureError(printable(name), f"{kind} in the folder of a model")
    error.hint = "copy the folder with its links resolved (cp -rL), if you know where they lead"
    return error


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__).lower()
