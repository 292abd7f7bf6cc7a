"""Which TensorFlow lines a release of another distribution runs on, where its own metadata does not say."""

from __future__ import annotations

import re
from functools import cache

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envlock.knowledge.datafiles import read_json, read_toml
from envlock.knowledge.releases import Release, line_of, lines_of, releases_of, sort_lines


def paired_lines(release: Release) -> tuple[str, ...]:
    """The TensorFlow lines that *release* runs on, newest first; empty where none is known."""
    return tuple(reversed(sort_lines(_listed_lines(release) | _lines_that_require(release))))


def release_for_tensorflow(distribution: str, line: str) -> Release | None:
    """The release of an add-on for a TensorFlow line: the one built against it, else the newest that admits it."""
    fitting = [release for release in releases_of(distribution) if line in _listed_lines(release)]
    built = [release for release in fitting if _built_against(release) == line]
    return next(iter(reversed(built or fitting)), None)


def is_paired(distribution: str) -> bool:
    """Whether the pairings of *distribution* are listed, rather than declared by its metadata."""
    return any(row["distribution"] == distribution for row in read_toml("pairings.toml")["pairing"])


def _listed_lines(release: Release) -> frozenset[str]:
    lines: set[str] = set()
    for row in read_toml("pairings.toml")["pairing"]:
        if row["distribution"] == release.distribution and SpecifierSet(row["releases"]).contains(release.version):
            fitting = SpecifierSet(row["tensorflow"])
            lines.update(line for line in lines_of("tensorflow") if fitting.contains(line))
    return frozenset(lines)


def _built_against(release: Release) -> str | None:
    for row in read_toml("pairings.toml")["pairing"]:
        if row["distribution"] == release.distribution and SpecifierSet(row["releases"]).contains(release.version):
            line: str | None = row.get("built_against")
            return line
    return None


def _lines_that_require(release: Release) -> frozenset[str]:
    """The TensorFlow lines whose metadata asks for Keras 3 and admits this release of it."""
    if release.distribution != "keras" or release.version.major < 3:
        return frozenset()
    return frozenset(line for line, specifier in _keras_requirements() if specifier.contains(release.version))


_REQUIREMENT = re.compile(r"keras\s*(?P<specifier>.*)")


@cache
def _keras_requirements() -> tuple[tuple[str, SpecifierSet], ...]:
    rows = read_json("tensorflow.json")["releases"]
    found = []
    for version, row in rows.items():
        match = _REQUIREMENT.fullmatch(row["keras"].get("requires", ""))
        if match:
            found.append((line_of(Version(version)), SpecifierSet(match["specifier"])))
    return tuple(found)
