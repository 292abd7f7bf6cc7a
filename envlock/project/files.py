"""The files of a project that people wrote, by their paths below its root; read within limits, and no link followed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from envlock.artifacts.source import LocalSource
from envlock.environment import MARKER_NAME
from envlock.errors import ArtifactError, UsageError
from envlock.own_code.definitions import may_hold_code
from envlock.project.interface import Place, Unread
from envlock.requirements_file import decode_requirements
from envlock.writers import WRITERS

_MOST_FILES = 20_000
_DEEPEST_FOLDER = 24
_LARGEST_FILE = 32 * 1024 * 1024
_MOST_BYTES = 256 * 1024 * 1024
"""Of all files together: the largest collections of models and examples seen hold some 100 MB of sources."""

_MOST_SECONDS = 20.0

_HIDDEN_BUT_READ = frozenset({".binder", ".circleci", ".devcontainer", ".github"})
_BUILT = frozenset({"build", "dist", "envs", "virtualenv", "wheelhouse"})
"""Folders that tools fill."""


class ProjectFolder:
    """An old project as it lies on this machine."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.process_time) -> None:
        """List the files below *root*; *clock* counts the seconds after which reading stops, of processor time.

        Raises:
            UsageError: *root* is no folder.
        """
        if not root.is_dir():
            raise UsageError(f"{root}: is no folder", hint="pass the folder that holds the project")
        self.root = root.absolute()
        self._clock = clock
        self._end = clock() + _MOST_SECONDS
        self._bytes_left = _MOST_BYTES
        self._unread: list[Unread] = []
        self._source = LocalSource(self.root)
        self.files = dict.fromkeys(self._list())
        """Paths below the root, outermost first; neither links nor what else is no regular file."""

    @property
    def unread(self) -> tuple[Unread, ...]:
        """What was passed over for a limit, or refused to be read."""
        return tuple(self._unread)

    @property
    def is_out_of_time(self) -> bool:
        """Whether nothing more is read."""
        return self._clock() > self._end

    def read_bytes(self, path: Path) -> bytes | None:
        """The content of a file; ``None``, and a note in :attr:`unread`, where it cannot be had."""
        try:
            with self._source.open(path.as_posix()) as stream:
                content = bytearray()
                while (piece := stream.read(_LARGEST_FILE + 1 - len(content))) and len(content) <= _LARGEST_FILE:
                    content += piece
        except (ArtifactError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error).partition(": ")[2]
            self._pass_over(path, (reason or str(error)).lower())
            return None
        self._bytes_left -= len(content)
        if (limit := self._limit_reached(len(content))) is not None:
            self._pass_over(path, limit)
            return None
        return bytes(content)

    def _limit_reached(self, size: int) -> str | None:
        if size > _LARGEST_FILE:
            return f"larger than {_LARGEST_FILE} bytes"
        if self._bytes_left < 0:
            return f"the files up to it hold more than {_MOST_BYTES} bytes"
        if self.is_out_of_time:
            return f"reading the files before it took longer than {_MOST_SECONDS:.0f} s"
        return None

    def read_text(self, path: Path) -> str | None:
        """The text of a file with the line ends of Unix; empty for what an earlier run wrote, ``None`` as above."""
        content = self.read_bytes(path)
        if content is None:
            return None
        text = decode_requirements(content)
        if "\0" in text:
            self._pass_over(path, "is no text")
            return None
        if any(writer.is_ours(text) for writer in WRITERS):
            return ""
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def is_entered(self, folder: Path) -> bool:
        """Whether people keep files of their own in *folder*, an absolute path."""
        is_theirs = folder.name in _HIDDEN_BUT_READ or (may_hold_code(folder) and not _is_made_by_tools(folder))
        return folder == self.root or (is_theirs and not self.is_out_of_time)

    def _pass_over(self, path: Path, reason: str) -> None:
        self._unread.append(Unread(Place(path), reason))

    def _list(self) -> Iterator[Path]:
        """Regular files, folder by folder."""
        waiting = [Path()]
        count = 0
        # The list grows while it is gone through.
        for folder in waiting:
            for entry in self._entries(folder):
                path = folder / entry.name
                if entry.is_dir(follow_symlinks=False):
                    if self.is_entered(self.root / path):
                        waiting.append(path)
                elif entry.is_file(follow_symlinks=False):
                    count += 1
                    if count > _MOST_FILES:
                        self._pass_over(path, f"{_MOST_FILES} files stand before it")
                        return
                    yield path

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        if len(folder.parts) > _DEEPEST_FOLDER:
            self._pass_over(folder, f"more than {_DEEPEST_FOLDER} folders deep")
            return []
        try:
            with os.scandir(self.root / folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self._pass_over(folder, (error.strerror or str(error)).lower())
            return []


class ProjectFile(NamedTuple):
    """A file that is read, and where it lies."""

    path: Path
    """Below the root of the project."""

    text: str
    folder: ProjectFolder


def _is_made_by_tools(folder: Path) -> bool:
    return (
        folder.name in _BUILT
        or folder.name.endswith((".egg-info", ".dist-info"))
        or any((folder / name).exists() for name in ("conda-meta", MARKER_NAME))
    )
