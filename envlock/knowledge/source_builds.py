"""Source distributions that are known to build, and what building them takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envlock.knowledge.datafiles import read_toml


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceBuild:
    """How the source distributions of some releases are built."""

    releases: SpecifierSet
    build: tuple[Requirement, ...]
    """What has to be in the environment in which ``setup.py`` runs."""

    requires: tuple[str, ...] | None
    """What the built distribution requires, where it can be known by building alone; ``None``: its metadata tells."""


def find_source_build(distribution: str, version: Version) -> SourceBuild | None:
    """How the source distribution of a release is built; ``None`` where it is not known to build."""
    known = _builds_by_distribution().get(distribution, ())
    return next((row for row in known if row.releases.contains(version, prereleases=True)), None)


@cache
def _builds_by_distribution() -> dict[str, list[SourceBuild]]:
    builds: dict[str, list[SourceBuild]] = {}
    for row in read_toml("build_requirements.toml")["source_distribution"]:
        build = SourceBuild(
            releases=SpecifierSet(row["releases"]),
            build=tuple(Requirement(text) for text in row["build"]),
            requires=tuple(row["requires"]) if "requires" in row else None,
        )
        builds.setdefault(row["distribution"], []).append(build)
    return builds
