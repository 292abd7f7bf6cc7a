"""The package index as it was when the database was made: every release and file of a distribution, read lazily.

A distribution is one file of JSON lines, ``data/snapshot/<name>.jsonl``: a header with the tables that its rows point
into, then one row a release, oldest version first. Opening one finds its versions; a row is parsed when its release is
asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from packaging.version import Version

from envlock.knowledge.datafiles import data_folder


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """A wheel or source distribution on the index."""

    name: str
    uploaded: str | None
    """UTC, ``YYYY-MM-DDTHH:MM:SSZ``; ``None`` where it was not told."""

    sha256: str
    size: int | None
    """In bytes; ``None`` where the index does not tell."""

    requires_python: str
    """Requires-Python as written; empty where none is declared."""

    requires: tuple[str, ...] | None
    """Requires-Dist as written, in its order; ``None`` where the metadata could not be had."""

    extras: tuple[str, ...]
    """Provides-Extra as written."""

    yanked: str | None
    """The reason, empty where none is given; ``None`` where the file is not yanked."""

    @property
    def is_wheel(self) -> bool:
        """Whether it is installed as it is, rather than built first."""
        return self.name.endswith(".whl")


_SEPARATORS = re.compile(r"[-_.]+")
_UPLOADED = re.compile(r'"(\d{4}-\d\d-\d\dT[\d:.]+Z)"')


class PackageSnapshot:
    """All releases of one distribution."""

    def __init__(self, text: str) -> None:
        """Take the *text* of a snapshot file; only its header and the versions are looked at."""
        self._header, _, rows = text.partition("\n")
        self._rows = rows.splitlines()
        self._parsed: dict[Version, tuple[SnapshotFile, ...]] = {}

    @cached_property
    def header(self) -> Mapping[str, Any]:
        """What the rows have in common: ``distribution``, ``harvested`` and the tables of requirements."""
        header: dict[str, Any] = json.loads(self._header)
        return header

    @property
    def is_complete(self) -> bool:
        """Whether these are all releases that the index had, and not those alone that locks needed."""
        complete: bool = self.header.get("is_complete", True)
        return complete

    @cached_property
    def versions(self) -> tuple[Version, ...]:
        """Every version, oldest first."""
        return tuple(self._row_by_version)

    def uploaded(self, version: Version) -> str:
        """When the first file of a release came out, UTC, ``YYYY-MM-DDTHH:MM:SSZ``; empty where it was not told.

        Raises:
            KeyError: There is no such release.
        """
        # Cheaper than parsing the row, and asked of many releases that are not looked at further.
        times: list[str] = _UPLOADED.findall(self._row_by_version[version])
        return min(times, default="")

    def files(self, version: Version) -> tuple[SnapshotFile, ...]:
        """The files of a release, sorted by name.

        Raises:
            KeyError: There is no such release.
        """
        files = self._parsed.get(version)
        if files is None:
            files = self._parsed[version] = self._parse(self._row_by_version[version])
        return files

    def _parse(self, row: str) -> tuple[SnapshotFile, ...]:
        requires_python, requires, extras = self._tables
        return tuple(
            SnapshotFile(
                name,
                uploaded,
                sha256,
                size,
                requires_python[python],
                None if metadata is None else requires[metadata],
                extras[metadata] if extras and metadata is not None else (),
                yanked,
            )
            for name, uploaded, sha256, size, python, metadata, yanked in json.loads(row)["files"]
        )

    @cached_property
    def _row_by_version(self) -> dict[Version, str]:
        # A row begins with {"version": "1.15.5", so that the version is found without parsing the rest.
        return {Version(row.split('"', 4)[3]): row for row in self._rows}

    @cached_property
    def _tables(self) -> tuple[list[str], list[tuple[str, ...]], list[tuple[str, ...]]]:
        header = self.header
        return (
            header["requires_python"],
            [tuple(names) for names in header["requires"]],
            [tuple(names) for names in header.get("extras", ())],
        )


class IndexSnapshot:
    """A folder of snapshot files."""

    def __init__(self, folder: Path) -> None:
        """Take the *folder*; nothing is read before it is asked for."""
        self._folder = folder
        self._packages: dict[str, PackageSnapshot | None] = {}

    def package(self, name: str) -> PackageSnapshot | None:
        """The releases of a distribution under any spelling of its *name*; ``None`` where it was not harvested."""
        # As in PEP 503. What packaging has for it comes with modules that take longer to import than this look-up.
        normalised = _SEPARATORS.sub("-", name).lower()
        if normalised not in self._packages:
            self._packages[normalised] = self._open(normalised)
        return self._packages[normalised]

    def names(self) -> tuple[str, ...]:
        """Every distribution that was harvested, normalised and sorted."""
        return tuple(sorted(path.stem for path in self._folder.glob("*.jsonl")))

    def _open(self, normalised: str) -> PackageSnapshot | None:
        try:
            text = (self._folder / f"{normalised}.jsonl").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return PackageSnapshot(text)


@cache
def bundled_snapshot() -> IndexSnapshot:
    """The snapshot that is part of the database."""
    return IndexSnapshot(data_folder() / "snapshot")
