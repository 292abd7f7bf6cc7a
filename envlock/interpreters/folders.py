"""Where a person's programs keep data and caches: the folders of the XDG base directories, or of Windows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def data_home() -> Path:
    """Of data that is to last.

    Raises:
        RuntimeError: The person has no home folder.
    """
    return _folder("LOCALAPPDATA" if os.name == "nt" else "XDG_DATA_HOME", ".local/share")


def cache_home() -> Path:
    """Of what may be deleted at any time.

    Raises:
        RuntimeError: The person has no home folder.
    """
    return _folder("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME", ".cache")


def fetched_pythons() -> Path:
    """Of the interpreters that envlock has had made, each in a folder of its own.

    Raises:
        RuntimeError: The person has no home folder.
    """
    return data_home() / "envlock" / "pythons"


def paths_in(variable: str) -> list[Path]:
    """What *variable* lists, without relative paths: what these mean depends on where envlock runs."""
    return [path for entry in os.environ.get(variable, "").split(os.pathsep) if (path := Path(entry)).is_absolute()]


def subfolders(folder: Path) -> Iterator[Path]:
    """The folders in *folder*, sorted; none where it may not be read."""
    try:
        yield from sorted(child for child in folder.iterdir() if is_folder(child))
    except OSError:
        return


def is_folder(path: Path) -> bool:
    """Whether a folder is at *path* that this person may look at."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _folder(variable: str, usual: str) -> Path:
    # The XDG specification has relative paths ignored.
    return next(iter(paths_in(variable)), None) or Path.home() / usual
