"""The nearest file with options: ``envlock.toml``, or ``pyproject.toml`` with a table ``[tool.envlock]``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from envlock.cli.interface import Level
from envlock.errors import DamagedFileError, EnvlockError
from envlock.formats.toml_text import parse_toml

_TABLES: Mapping[str, Sequence[str]] = {"envlock.toml": (), "pyproject.toml": ("tool", "envlock")}
"""The keys that lead to the table in a file of this name; in one folder the first of them counts."""

_TOP_MARKS = (".git", ".hg", ".jj", ".svn")
"""What the root of a version control system holds."""

_LARGEST_FILE = 1 << 20
"""In bytes."""


class ConfigurationError(EnvlockError):
    """A variable or a file says of an option what the option cannot take."""

    reference = "configuration"

    def __init__(self, place: str, problem: str, *, hint: str = "") -> None:
        super().__init__(place, problem)
        self.place, self.problem, self.hint = place, problem, hint

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}"


class Entry(NamedTuple):
    """One option in a file."""

    key: str
    value: object
    place: str
    """File and key, as messages name it."""

    is_general: bool
    """Whether it stands for all commands of a table, and need not be an option of this one."""


class ConfigurationFile(NamedTuple):
    """A file with options."""

    path: Path
    prefix: str
    """What leads to the table, such as ``tool.envlock.``."""

    table: Mapping[str, object]

    def entries(self, command: Sequence[Level]) -> Iterator[Entry]:
        """What it says for *command*, and before that what it says for all commands.

        Raises:
            ConfigurationError: A table has the name of no command.
        """
        table, prefix = self.table, self.prefix
        for level in command:
            for key, value in table.items():
                place = f"{self.path}: {prefix}{key}"
                if not isinstance(value, dict):
                    yield Entry(key, value, place, is_general=True)
                elif key not in level.siblings:
                    raise ConfigurationError(place, "no such command", hint=f"there are {', '.join(level.siblings)}")
            subtable = table.get(level.name)
            if not isinstance(subtable, dict):
                return
            table, prefix = subtable, f"{prefix}{level.name}."
        for key, value in table.items():
            yield Entry(key, value, f"{self.path}: {prefix}{key}", is_general=False)


def find_file(named: str | None) -> ConfigurationFile | None:
    """The file *named*, else the nearest from the working directory upwards.

    The search ends at the person's home folder and at the root of a version control system. Above the working
    directory a file counts only where it belongs to the person, to the superuser, or to the owner of the working
    directory: in ``/tmp``, anybody could leave one for the folders below.

    Raises:
        ConfigurationError: The file cannot be read.
    """
    if named:
        return _read(Path(named), _TABLES.get(Path(named).name, ()))
    with suppress(FileNotFoundError):  # the working directory was removed
        return next(_files_upwards(Path.cwd()), None)
    return None


def _files_upwards(folder: Path) -> Iterator[ConfigurationFile]:
    home = Path(os.path.realpath(os.path.expanduser("~")))  # noqa: PTH111 - Path.home() fails where there is none
    for place in (folder, *folder.parents):
        for name, keys in _TABLES.items():
            path = place / name
            if os.path.isfile(path) and (place == folder or _is_owned(path, folder)):  # noqa: PTH113 - never fails
                shown = Path(name) if place == folder else path
                found = _read(shown, keys)
                if found is not None:
                    yield found
        if place == home or any(os.path.lexists(place / mark) for mark in _TOP_MARKS):
            return


def _is_owned(path: Path, folder: Path) -> bool:
    if not hasattr(os, "geteuid"):
        return True
    return path.stat().st_uid in {os.geteuid(), 0, folder.stat().st_uid}


def _read(path: Path, keys: Sequence[str]) -> ConfigurationFile | None:
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigurationError(str(path), error.strerror or str(error)) from error
    if not all(key.encode() in content for key in keys):
        # Most projects say nothing of envlock, and to parse their files would take a while.
        return None
    if len(content) > _LARGEST_FILE:
        raise ConfigurationError(str(path), f"is larger than {_LARGEST_FILE} bytes")
    table: object = _parse(content, path)
    for key in keys:
        if not isinstance(table, dict):
            break
        table = table.get(key)
    prefix = "".join(f"{key}." for key in keys)
    if isinstance(table, dict):
        return ConfigurationFile(path, prefix, table)
    if table is None:
        return None
    raise ConfigurationError(f"{path}: {prefix.rstrip('.')}", "expected a table")


def _parse(content: bytes, path: Path) -> dict[str, Any]:
    try:
        return parse_toml(content, where=str(path))
    except DamagedFileError as error:
        raise ConfigurationError(str(path), error.problem) from error
