"""How ``data/snapshot/`` is laid out: a file a distribution, in it a line a release, whose files are rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

from packaging.version import Version
from tables import write_lines

from envlock.knowledge.snapshot import IndexSnapshot, PackageSnapshot

Item = TypeVar("Item")

COLUMNS = ("name", "uploaded", "sha256", "size", "requires_python", "requires", "yanked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a distribution declares, as written."""

    requires: tuple[str, ...]
    extras: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """A wheel or sdist of a release."""

    name: str
    uploaded: str | None
    """UTC, such as ``2021-01-06T22:38:01Z``; None where the client does not tell."""

    sha256: str
    size: int | None
    """Bytes."""

    requires_python: str
    """As written; empty where nothing is declared."""

    declares: Metadata | None
    """None where it is unknown."""

    yanked: str | None
    """The reason; None where the file is not yanked."""


def write_snapshot(
    folder: Path,
    distribution: str,
    releases: Mapping[Version, Iterable[ListedFile]],
    *,
    generator: str,
    is_complete: bool,
    allow_fewer: bool,
) -> None:
    """Write the table of one distribution, oldest release first, the files of a release by name.

    What many files have in common stands once in the header, and they cite it: Requires-Python, and the requirements
    with the extras beside them. Addresses are left out: a lock that needs them gets those of the person's own index.

    *is_complete* says that these are all the releases that the index has, and not those alone that somebody needed.

    Raises:
        FewerRowsError: The table there has more releases, and *allow_fewer* is not set.
    """
    listed = {version: sorted(releases[version], key=lambda file: file.name) for version in sorted(releases)}
    files = [file for of_release in listed.values() for file in of_release]
    pythons = _numbered(file.requires_python for file in files)
    declared = _numbered(file.declares for file in files if file.declares is not None)

    def row(file: ListedFile) -> list[object]:
        requires = None if file.declares is None else declared[file.declares]
        python = pythons[file.requires_python]
        return [file.name, file.uploaded, file.sha256, file.size, python, requires, file.yanked]

    header = {
        "generator": generator,
        "source": "package-index",
        "distribution": distribution,
        "harvested": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "is_complete": is_complete,
        "rows": len(listed),
        "columns": COLUMNS,
        "requires_python": list(pythons),
        "requires": [metadata.requires for metadata in declared],
        "extras": [metadata.extras for metadata in declared],
    }
    write_lines(
        folder / f"{distribution}.jsonl",
        [{"version": str(version), "files": [*map(row, of_release)]} for version, of_release in listed.items()],
        header=header,
        key="version",
        undated="harvested",
        allow_fewer=allow_fewer,
    )


def add_to_snapshot(
    folder: Path, distribution: str, releases: Mapping[Version, Iterable[ListedFile]], *, generator: str
) -> None:
    """Write the table of one distribution anew, with *releases* beside what it holds: nothing of that is lost."""
    package = IndexSnapshot(folder).package(distribution)
    known = {version: _known_files(package, version) for version in package.versions} if package else {}
    for version, files in releases.items():
        of_release = known.setdefault(version, {})
        of_release |= {file.name: _complete(of_release.get(file.name), file) for file in files}
    write_snapshot(
        folder,
        distribution,
        {version: of_release.values() for version, of_release in known.items()},
        generator=generator,
        is_complete=package is not None and package.is_complete,
        allow_fewer=False,
    )


def _known_files(package: PackageSnapshot, version: Version) -> dict[str, ListedFile]:
    return {
        file.name: ListedFile(
            name=file.name,
            uploaded=file.uploaded,
            sha256=file.sha256,
            size=file.size,
            requires_python=file.requires_python,
            declares=None if file.requires is None else Metadata(requires=file.requires, extras=file.extras),
            yanked=file.yanked,
        )
        for file in package.files(version)
    }


def _complete(known: ListedFile | None, fresh: ListedFile) -> ListedFile:
    """What is *known* of a file, and where that is nothing, what a *fresh* look at it told."""
    if known is None:
        return fresh
    told = fresh if known.declares is None else known
    return replace(
        known,
        uploaded=known.uploaded or fresh.uploaded,
        size=known.size or fresh.size,
        requires_python=told.requires_python,
        declares=told.declares,
    )


def _numbered(items: Iterable[Item]) -> dict[Item, int]:
    """Each different item to its place in the order of their first appearance."""
    return {item: number for number, item in enumerate(dict.fromkeys(items))}
