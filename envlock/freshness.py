"""What the package index has that the database lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from envlock.knowledge.snapshot import bundled_snapshot
from envlock.package_index import AbsentFromIndexError, IndexFile, PackageIndex

_CONNECTIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingReleases:
    """Final releases of one distribution that came out after the database was made."""

    distribution: str
    versions: tuple[Version, ...]
    """Oldest first."""


def find_missing_releases(index: PackageIndex | None = None) -> tuple[MissingReleases, ...]:
    """Every distribution of the snapshot with releases that only *index* has, by name.

    The index is by default the one that pip is configured to use. A distribution that it does not have lacks nothing.

    Raises:
        NetworkError: The index cannot be reached.
    """
    with index or PackageIndex() as opened, ThreadPoolExecutor(_CONNECTIONS) as pool:
        found = pool.map(lambda name: _missing(name, opened), bundled_snapshot().names())
        return tuple(item for item in found if item.versions)


def _missing(name: str, index: PackageIndex) -> MissingReleases:
    package = bundled_snapshot().package(name)
    known = set(package.versions) if package else set()
    try:
        files = index.files(name)
    except AbsentFromIndexError:
        files = ()
    final = {version for version in _versions(files) if not version.is_prerelease}
    return MissingReleases(distribution=name, versions=tuple(sorted(final - known)))


def _versions(files: Iterable[IndexFile]) -> Iterator[Version]:
    for file in files:
        version = _version_of(file.name)
        if version is not None and file.yanked is None:
            yield version


def _version_of(file_name: str) -> Version | None:
    """The release that a file belongs to; ``None`` for a format that nothing installs any more."""
    try:
        parse = parse_wheel_filename if file_name.endswith(".whl") else parse_sdist_filename
        return parse(file_name)[1]
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None
