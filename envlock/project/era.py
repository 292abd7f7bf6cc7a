"""When a project was last worked on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timezone

from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.knowledge.releases import find_release
from envlock.knowledge.snapshot import bundled_snapshot
from envlock.project.commits import last_commit_time
from envlock.project.files import ProjectFolder
from envlock.project.interface import Era, RequirementStatement


def find_era(folder: ProjectFolder, requirements: Sequence[RequirementStatement]) -> Era | None:
    """The day of the last commit, else that of the newest release that the project pins; ``None`` without both.

    The dates of files say when the project was copied, not when it was written.
    """
    seconds = last_commit_time(folder.root)
    if seconds is not None:
        return Era(day=datetime.fromtimestamp(seconds, tz=timezone.utc).date(), source="the last commit")
    return max(_releases_pinned(requirements), key=lambda era: era.day, default=None)


def _releases_pinned(requirements: Sequence[RequirementStatement]) -> Iterator[Era]:
    """When each release came out that is pinned, as far as the database knows it."""
    for statement in requirements:
        name, bounds = statement.requirement.name, statement.requirement.specifier
        exact = next((bound.version for bound in bounds if bound.operator == "=="), None)
        if exact is None or exact.endswith(".*"):
            continue
        day = _day_of(canonicalize_name(name), Version(exact))
        if day:
            source = f"{name} {exact}, which {statement.place} asks for"
            yield Era(day=date.fromisoformat(day), source=source)


def _day_of(distribution: str, version: Version) -> str:
    """The day on which a release came out; empty where that is not known."""
    release = find_release(distribution, version)
    if release is not None:
        return release.uploaded
    package = bundled_snapshot().package(distribution)
    return package.uploaded(version)[:10] if package is not None and version in package.versions else ""
