"""Releases of a distribution: when they came out, and which Pythons and platforms have a wheel."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from packaging.version import Version

from envlock.knowledge.datafiles import data_folder, read_json
from envlock.knowledge.specifiers import admits


class Release(NamedTuple):
    """One final release of a distribution."""

    distribution: str
    version: Version
    uploaded: str
    """Day of the first file's upload, UTC, ``YYYY-MM-DD``."""

    requires_python: str
    """Requires-Python as written; empty where none is declared."""

    is_yanked: bool
    has_sdist: bool
    wheels: dict[str, tuple[str, ...]]
    """Platform (or ``any``) to the Python tags that have a wheel, such as ``cp37``."""

    requires: dict[str, tuple[str, ...]]
    """Platform (or ``*``) to the declared requirements, as written."""

    @property
    def line(self) -> str:
        """The minor release series, such as ``2.4``."""
        return line_of(self.version)

    def supports(self, python: str, platform: str) -> bool:
        """Whether a wheel for CPython *python* (such as ``3.7``) on *platform* exists."""
        if not admits(self.requires_python, f"{python}.99"):
            return False
        tags = self.wheels.get(platform, ()) + self.wheels.get("any", ())
        major = python.partition(".")[0]
        accepted = {f"cp{python.replace('.', '')}", f"py{major}", f"py2.py{major}", "py2.py3"}
        return not accepted.isdisjoint(tags)

    def can_be_installed(self, python: str, platform: str) -> bool:
        """Whether a wheel for CPython *python* on *platform* exists, or there is but a source distribution for all.

        What has no wheel at all is pure Python of a time when nothing else was uploaded.
        """
        return not self.wheels or self.supports(python, platform)


def line_of(version: Version) -> str:
    """The minor release series of *version*, such as ``2.4``."""
    return f"{version.major}.{version.minor}"


def line_of_text(version: str) -> str:
    """The minor release series of a final release as tables write it, such as ``2.4`` for ``2.4.1``."""
    major, minor, *_ = version.split(".")
    return f"{major}.{minor}"


def line_order(line: str) -> tuple[int, int]:
    """Sort key of a line."""
    major, _, minor = line.partition(".")
    return (int(major), int(minor))


@cache
def releases_of(distribution: str) -> tuple[Release, ...]:
    """All final releases of *distribution*, oldest version first; empty where it was not surveyed."""
    if not (data_folder() / "releases" / f"{distribution}.json").is_file():
        return ()
    table = read_json(f"releases/{distribution}.json")
    sets = table["requirement_sets"]
    found = (_release(distribution, version, row, sets) for version, row in table["releases"].items())
    return tuple(sorted(found, key=lambda release: release.version))


def releases_of_line(distribution: str, line: str) -> tuple[Release, ...]:
    """The releases of one line that are not yanked, oldest first; empty where the line does not exist."""
    return tuple(item for item in _releases_by_line(distribution).get(line, ()) if not item.is_yanked)


def latest_of_line(distribution: str, line: str) -> Release | None:
    """The last patch release of a line."""
    found = releases_of_line(distribution, line)
    return found[-1] if found else None


def find_release(distribution: str, version: Version) -> Release | None:
    """The release of exactly *version*, yanked or not."""
    return _releases_by_version(distribution).get(version)


def lines_of(distribution: str) -> tuple[str, ...]:
    """Every line of *distribution*, oldest first."""
    return sort_lines(_releases_by_line(distribution))


def sort_lines(lines: Iterable[str]) -> tuple[str, ...]:
    """Lines without repetition, oldest first."""
    return tuple(sorted(set(lines), key=line_order))


def python_lines_of(release: Release, platform: str) -> tuple[str, ...]:
    """The CPython lines that have a wheel of *release* on *platform*, oldest first."""
    tags = release.wheels.get(platform, ())
    lines = (f"{tag[2]}.{tag[3:]}" for tag in tags if tag.startswith("cp") and len(tag) > 3)
    return sort_lines(line for line in lines if release.supports(line, platform))


@cache
def _releases_by_version(distribution: str) -> dict[Version, Release]:
    return {release.version: release for release in releases_of(distribution)}


@cache
def _releases_by_line(distribution: str) -> dict[str, list[Release]]:
    by_line: dict[str, list[Release]] = {}
    for release in releases_of(distribution):
        by_line.setdefault(release.line, []).append(release)
    return by_line


def _release(distribution: str, version: str, row: dict[str, Any], sets: list[list[str]]) -> Release:
    declared = row.get("requires_python", "")
    # Where the files of a release disagree, all their bounds hold for somebody: the union cannot be written as
    # one specifier, so the loosest of them, the first, is taken.
    requires_python = declared[0] if isinstance(declared, list) else declared
    return Release(
        distribution=distribution,
        version=Version(version),
        uploaded=row["uploaded"],
        requires_python=requires_python,
        is_yanked=row.get("yanked", False) is not False and not isinstance(row.get("yanked"), dict),
        has_sdist=row.get("sdist", False),
        wheels={platform: tuple(tags) for platform, tags in row.get("wheels", {}).items()},
        requires={platform: tuple(sets[index]) for platform, index in row.get("requires", {}).items()},
    )
