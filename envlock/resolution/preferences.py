"""In which order the releases of a distribution are tried: kept pins, verified ones, those of the era, later ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.knowledge.closures import find_closure
from envlock.knowledge.families import family_of
from envlock.knowledge.loaders import distributions_of_implementations
from envlock.knowledge.releases import find_release
from envlock.knowledge.snapshot import IndexSnapshot, PackageSnapshot
from envlock.target import Target

# A patch release often follows when the next line is already out, and its dependencies follow it by some days.
_AFTER_RELEASE = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What is preferred among releases that all satisfy."""

    kept: Mapping[str, Version]
    """Pins of an earlier lock, by name."""

    verified: Mapping[str, Version]
    """Pins of a verified closure, by name."""

    era_end: str | None
    """Releases uploaded before are preferred, UTC, ``YYYY-MM-DD…``; ``None``: the newest are."""

    def order(self, name: str, package: PackageSnapshot) -> list[Version]:
        """All versions of a distribution: kept, verified, those of the era newest first, later ones oldest first."""
        newest_first = list(reversed(package.versions))
        # Among releases that were needed somewhere, what is old may be there for an old Python alone.
        if self.era_end is None or not package.is_complete:
            ordered = newest_first
        else:
            ordered = _nearest_to(self.era_end, newest_first, package)
        kept, verified = self.kept.get(name), self.verified.get(name)
        return sorted(ordered, key=lambda version: (version != kept, version != verified))


def _nearest_to(era_end: str, newest_first: list[Version], package: PackageSnapshot) -> list[Version]:
    uploaded = {version: package.uploaded(version) for version in newest_first}
    within = [version for version in newest_first if uploaded[version] < era_end]
    later = [version for version in newest_first if uploaded[version] >= era_end]
    return within + sorted(later, key=lambda version: uploaded[version])


def preferences_for(
    requirements: Sequence[Requirement], kept: Sequence[Requirement], target: Target, snapshot: IndexSnapshot
) -> Preferences:
    """What to prefer beside *requirements*: *kept* pins, what was verified with them, the time of their TensorFlow."""
    pinned = exact_versions(requirements)
    closure = find_closure(pinned, python=target.python, platform=target.platform.name)
    return Preferences(
        kept=exact_versions(kept),
        verified=closure.pins if closure else {},
        era_end=_end_of_era_of(pinned, snapshot),
    )


def exact_versions(requirements: Iterable[Requirement]) -> dict[str, Version]:
    """The version of each of *requirements* that names one, by normalised name."""
    return {
        canonicalize_name(requirement.name): Version(specifier.version)
        for requirement in requirements
        for specifier in requirement.specifier
        if specifier.operator == "==" and not specifier.version.endswith(".*")
    }


def _end_of_era_of(pinned: Mapping[str, Version], snapshot: IndexSnapshot) -> str | None:
    """The end of the era of what tells most among *pinned*; ``None`` where nothing does."""
    by_family = {family_of(name): version for name, version in pinned.items()}
    # What an environment is of its time for, most telling first.
    for subject in distributions_of_implementations():
        package = snapshot.package(subject)
        if subject in by_family and package is not None:
            return _end_of_era(subject, by_family[subject], package)
    return None


def _end_of_era(distribution: str, version: Version, package: PackageSnapshot) -> str | None:
    """When the next line of a distribution was out, or :data:`_AFTER_RELEASE` had passed if that is later.

    ``None`` for the newest line: its era lasts.
    """
    line = (version.major, version.minor)
    next_line = next(
        (known for known in package.versions if (known.major, known.minor) > line and not known.is_prerelease), None
    )
    if next_line is None:
        return None
    ends = [_uploaded(distribution, next_line, package)]
    if version in package.versions and (released := _uploaded(distribution, version, package)):
        ends.append((date.fromisoformat(released[:10]) + _AFTER_RELEASE).isoformat())
    return max(ends)


def _uploaded(distribution: str, version: Version, package: PackageSnapshot) -> str:
    """When a release of *package* came out; to the day alone, or empty, where the snapshot was not told."""
    release = find_release(distribution, version)
    return package.uploaded(version) or (release.uploaded if release else "")
