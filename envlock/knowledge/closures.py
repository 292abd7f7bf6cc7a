"""Verified closures: every distribution of an environment that was installed, imported and used to load artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from packaging.version import Version

from envlock.knowledge.datafiles import data_folder, read_json


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedClosure:
    """One environment in which every task was done."""

    subject: str
    version: Version
    python: str
    """CPython minor release, such as ``3.8``."""

    platform: str
    observed: str
    """The day, ``YYYY-MM-DD``."""

    did: tuple[str, ...]
    """What was done in it: ``import``, and the formats in which models were saved and loaded."""

    pins: Mapping[str, Version]
    """By normalised name."""


def find_closure(subject: str, version: Version, *, python: str, platform: str) -> VerifiedClosure | None:
    """The closure of *subject* on that Python and platform, else the nearest to them; ``None`` where none is known."""
    known = (closure for closure in closures_of(subject) if closure.version == version)
    return min(
        known,
        key=lambda item: (abs(_minor(item.python) - _minor(python)), item.platform != platform),
        default=None,
    )


@cache
def closures_of(subject: str) -> tuple[VerifiedClosure, ...]:
    """The closures of a distribution or family, in the order of the table; empty where none is known."""
    if not (data_folder() / "closures" / f"{subject}.json").is_file():
        return ()
    return tuple(
        VerifiedClosure(
            subject=row["subject"],
            version=Version(row["version"]),
            python=row["python"],
            platform=row["platform"],
            observed=row["observed"],
            did=tuple(row["did"]),
            pins={name: Version(version) for name, version in row["pins"].items()},
        )
        for row in read_json(f"closures/{subject}.json")["closures"]
    )


def _minor(python: str) -> int:
    major, _, minor = python.partition(".")
    return int(major) * 100 + int(minor)
