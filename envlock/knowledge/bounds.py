"""Bounds that the metadata of a release lacks, each with the failure that proves it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from packaging.version import Version

from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.families import family_of
from envlock.knowledge.specifiers import admits

if TYPE_CHECKING:
    from packaging.requirements import Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A corrected bound: holds beside a range of releases of one distribution or its family."""

    distribution: str
    releases: str
    """Specifier of the releases that lack it."""

    python: str
    """Specifier of the Python lines on which it matters; empty where on all."""

    text: str
    """The requirement as it is written: most bounds are told, and few taken to a resolver."""

    is_missing: bool
    """Whether metadata does not name the distribution at all, so that it has to be asked for."""

    failure: str
    """Reference of the row of ``data/failures.toml`` that is seen without the bound."""

    @property
    def requirement(self) -> Requirement:
        """What has to be added."""
        from packaging.requirements import Requirement

        return Requirement(self.text)


def bounds_for(distribution: str, version: Version, *, python: str) -> tuple[Bound, ...]:
    """The corrected bounds that hold beside *distribution* of *version* on a Python line."""
    return tuple(
        bound
        for bound in _bounds_of(family_of(distribution))
        if admits(bound.releases, str(version)) and admits(bound.python, python)
    )


@cache
def _bounds_of(family: str) -> tuple[Bound, ...]:
    return tuple(
        Bound(
            distribution=row["distribution"],
            releases=row["releases"],
            python=row.get("python", ""),
            text=row["requirement"],
            is_missing=row.get("is_missing", False),
            failure=row["failure"],
        )
        for row in read_toml("bounds.toml")["bound"]
        if family_of(row["distribution"]) == family
    )
