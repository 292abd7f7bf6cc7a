"""Where the tables are, and how one is opened."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


_SUFFIXES = frozenset({".json", ".jsonl", ".toml"})
_OBSERVED = "observed/"


@cache
def data_folder() -> Path:
    """The folder of the tables: inside the package when installed, beside it in a checkout."""
    return _folder_of_tables()


def _folder_of_tables() -> Path:
    package = Path(__file__).resolve().parents[1]
    packaged = package / "data"
    return packaged if packaged.is_dir() else package.parent / "data"


@cache
def read_json(name: str) -> dict[str, Any]:
    """A generated table, such as ``releases/tensorflow.json``. Callers must not change it."""
    loaded: dict[str, Any] = json.loads((data_folder() / name).read_bytes())
    return loaded


@cache
def read_rows(name: str) -> Mapping[str, Any]:
    """The same as :func:`read_json`, for large tables that are asked about few rows: only these are decoded."""
    lines = iter((data_folder() / name).read_text(encoding="utf-8").split("\n"))
    return _Rows(lines) if next(lines) == "{" else read_json(name)


class _Rows(Mapping[str, Any]):
    """One level of a generated table, whose rows have a line each: ``"name":value,``."""

    def __init__(self, lines: Iterator[str]) -> None:
        """Take *lines* up to the one that closes the level."""
        self._written: dict[str, str | _Rows] = {}
        self._decoded: dict[str, Any] = {}
        for line in lines:
            if line.startswith("}"):
                break
            name, _, value = line.partition('":')
            self._written[name[1:]] = _Rows(lines) if value == "{" else value

    def __getitem__(self, name: str) -> Any:
        if name not in self._decoded:
            value = self._written[name]
            self._decoded[name] = value if isinstance(value, _Rows) else json.loads(value.removesuffix(","))
        return self._decoded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._written

    def __iter__(self) -> Iterator[str]:
        return iter(self._written)

    def __len__(self) -> int:
        return len(self._written)


@cache
def read_toml(name: str) -> dict[str, Any]:
    """A curated table, such as ``bounds.toml``. Callers must not change it."""
    loaded: dict[str, Any] = tomllib.loads((data_folder() / name).read_text(encoding="utf-8"))
    return loaded


def table_names() -> tuple[str, ...]:
    """Every table by its path below the folder, such as ``releases/tensorflow.json``, sorted.

    What was observed is no table: predictions are held against it, and do not rest on it.
    """
    folder = data_folder()
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in _SUFFIXES)
    return tuple(sorted(name for name in names if not name.startswith(_OBSERVED)))


@cache
def database_digest() -> str:
    """SHA-256 over the names and contents of all tables: two equal digests give equal answers."""
    import hashlib

    digest = hashlib.sha256()
    for name in table_names():
        digest.update(f"{name}\0".encode())
        digest.update((data_folder() / name).read_bytes())
    return digest.hexdigest()
