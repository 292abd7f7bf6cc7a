"""Verified closures: every distribution of an environment that was installed, imported and used to load artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from packaging.version import Version

from envlock.knowledge.datafiles import data_folder, read_json
from envlock.knowledge.families import family_of, members_of


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedClosure:
    """One environment in which every task was done."""

    subject: str
    """What it was made for: a distribution, or the family of it."""

    version: Version
    python: str
    """CPython minor release, such as ``3.8``."""

    platform: str
    observed: str
    """The day, ``YYYY-MM-DD``."""

    did: tuple[str, ...]
    """What was done in it: ``import``, and the formats in which models were saved and loaded."""

    texts: Mapping[str, str]
    """Versions by normalised name, as text: most closures are looked at only to be passed over."""

    @property
    def pins(self) -> dict[str, Version]:
        """Versions by normalised name."""
        return {name: Version(text) for name, text in self.texts.items()}


def find_closure(pinned: Mapping[str, Version], *, python: str, platform: str) -> VerifiedClosure | None:
    """The closure that holds most of what is *pinned*, then the nearest to that Python and platform.

    ``None`` where none holds any of it.
    """
    wanted = [(members_of(family_of(name)), str(version)) for name, version in pinned.items()]

    def held(closure: VerifiedClosure) -> int:
        return sum(any(closure.texts.get(member) == text for member in members) for members, text in wanted)

    subjects = dict.fromkeys(family_of(name) for name in pinned)
    known = [closure for subject in subjects for closure in closures_of(subject) if held(closure)]
    return max(
        known,
        key=lambda item: (held(item), -abs(_minor(item.python) - _minor(python)), item.platform == platform),
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
            texts=row["pins"],
        )
        for row in read_json(f"closures/{subject}.json")["closures"]
    )


def _minor(python: str) -> int:
    major, _, minor = python.partition(".")
    return int(major) * 100 + int(minor)
