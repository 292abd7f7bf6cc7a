"""What came out on the package index after the database was made."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from envlock.knowledge.snapshot import IndexSnapshot, PackageSnapshot, bundled_snapshot
from envlock.package_index import AbsentFromIndexError, IndexFile, PackageIndex
from envlock.uv_process import index_address

_CONNECTIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingReleases:
    """Final releases of one distribution that came out after the database was made."""

    distribution: str
    versions: tuple[Version, ...]
    """Oldest first."""


def find_missing_releases(
    index: PackageIndex | None = None, snapshot: IndexSnapshot | None = None
) -> tuple[MissingReleases, ...]:
    """Every distribution of *snapshot* with releases that *index* got since, by name.

    They are the index that uv is configured to use and the bundled snapshot where nothing else is said. A
    distribution that the index does not have lacks nothing, and a release that is yanked is not missed.

    Raises:
        NetworkError: The index cannot be reached.
    """
    known = snapshot or bundled_snapshot()
    pool = ThreadPoolExecutor(_CONNECTIONS)
    with index or PackageIndex(index_address(), attempts=3) as opened:
        try:
            found = pool.map(lambda name: _missing(known.package(name), name, opened), known.names())
            return tuple(item for item in found if item.versions)
        finally:
            # The first failure ends it: the index that did not answer is not asked for all the others.
            pool.shutdown(cancel_futures=True)


def _missing(package: PackageSnapshot | None, name: str, index: PackageIndex) -> MissingReleases:
    try:
        first_uploads = _first_uploads(index.files(name))
    except AbsentFromIndexError:
        first_uploads = {}
    known = package.versions if package else ()
    # The snapshot need not have all that was there: what came out before its day was left out on purpose.
    day = package.header["harvested"] if package else ""
    later = (version for version, uploaded in first_uploads.items() if uploaded >= day and not version.is_prerelease)
    return MissingReleases(distribution=name, versions=tuple(sorted(set(later).difference(known))))


def _first_uploads(files: Iterable[IndexFile]) -> dict[Version, str]:
    """When the first file of each release came out that is not yanked; never, where the index does not tell."""
    found: dict[Version, str] = {}
    for file in files:
        version = _version_of(file.name)
        if version is not None and file.yanked is None:
            found[version] = min(found.get(version, _NEVER), file.uploaded or _NEVER)
    return found


_NEVER = "9999"
"""Later than every day that an index tells."""


def _version_of(file_name: str) -> Version | None:
    """The release that a file belongs to; ``None`` for a format that nothing installs any more."""
    try:
        parse = parse_wheel_filename if file_name.endswith(".whl") else parse_sdist_filename
        return parse(file_name)[1]
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None
