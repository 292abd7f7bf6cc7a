"""Bounds that the metadata of a release lacks, each with the failure that proves it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.families import family_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A corrected bound: holds beside a range of releases of one distribution or its family."""

    distribution: str
    releases: SpecifierSet
    python: SpecifierSet
    requirement: Requirement
    is_missing: bool
    """Whether metadata does not name the distribution at all, so that it has to be asked for."""

    failure: str
    """Reference of the row of ``data/failures.toml`` that is seen without the bound."""


def bounds_for(distribution: str, version: Version, *, python: str) -> tuple[Bound, ...]:
    """The corrected bounds that hold beside *distribution* of *version* on a Python line."""
    family = family_of(distribution)
    return tuple(
        bound
        for bound in _bounds()
        if family_of(bound.distribution) == family
        and bound.releases.contains(version, prereleases=True)
        and bound.python.contains(python)
    )


@cache
def _bounds() -> tuple[Bound, ...]:
    return tuple(
        Bound(
            distribution=row["distribution"],
            releases=SpecifierSet(row["releases"]),
            python=SpecifierSet(row.get("python", "")),
            requirement=Requirement(row["requirement"]),
            is_missing=row.get("is_missing", False),
            failure=row["failure"],
        )
        for row in read_toml("bounds.toml")["bound"]
    )
