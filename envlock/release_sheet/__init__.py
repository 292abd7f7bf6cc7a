"""All that the database knows of one release, section by section, as a person would want to read it."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envlock.errors import UsageError
from envlock.knowledge.datafiles import data_folder
from envlock.knowledge.releases import Release, find_release, latest_of_line, lines_of, releases_of
from envlock.release_sheet import any_release, tensorflow_release
from envlock.release_sheet.interface import Section, SectionMaker, runs_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Everything known of one release."""

    distribution: str
    version: Version
    title: str
    sections: tuple[Section, ...]


SECTIONS: tuple[SectionMaker, ...] = (
    any_release.wheels,
    any_release.family,
    any_release.requirements,
    any_release.corrected_bounds,
    any_release.verified_closures,
    any_release.runs_on,
    any_release.required_by,
    any_release.custom_objects,
    tensorflow_release.keras_inside,
    any_release.serialization,
    tensorflow_release.keras_beside,
    tensorflow_release.graphs,
    tensorflow_release.protobuf,
    tensorflow_release.cuda,
    tensorflow_release.metal,
    tensorflow_release.tpu,
    tensorflow_release.add_ons,
    tensorflow_release.images,
)
"""What makes the sections, in the order of the sheet."""


def sheet_of(distribution: str, version: str | None) -> Sheet:
    """The sheet of a release: of exactly *version*, of the last release of a line, or of the newest.

    Raises:
        UsageError: The database has no such distribution or release.
    """
    release = _find(canonicalize_name(distribution), version)
    return Sheet(
        distribution=release.distribution,
        version=release.version,
        title=_title(release),
        sections=tuple(section for make in SECTIONS for section in make(release)),
    )


def _find(distribution: str, version: str | None) -> Release:
    releases = releases_of(distribution)
    if not releases:
        raise UsageError(f"nothing is known of {distribution}", hint=_similar(distribution))
    if version is None:
        return next((release for release in reversed(releases) if not release.is_yanked), releases[-1])
    try:
        wanted = Version(version)
    except InvalidVersion:
        raise UsageError(f"{version!r} is not a version", hint="such as 2.3 or 2.3.4") from None
    # Some distributions number their releases like lines.
    found = find_release(distribution, wanted)
    if len(wanted.release) == 2 and not wanted.is_prerelease:
        found = latest_of_line(distribution, version) or found
    if found is None or len(wanted.release) == 1:
        raise UsageError(
            f"no release {version} of {distribution} is known",
            hint=f"final releases are, of {_plural('line', lines_of(distribution))} {runs_of(lines_of(distribution))}",
        )
    return found


def _similar(distribution: str) -> str:
    known = sorted(path.stem for path in (data_folder() / "releases").glob("*.json"))
    close = get_close_matches(distribution, known)
    return f"did you mean {' or '.join(close)}?" if close else f"known are {', '.join(known)}"


def _plural(noun: str, items: tuple[str, ...]) -> str:
    return noun if len(items) == 1 else f"{noun}s"


def _title(release: Release) -> str:
    last = latest_of_line(release.distribution, release.line)
    if last is None or last.version == release.version:
        place = "last of its line"
    else:
        place = f"its line ends with {last.version}"
    yanked = ", yanked" if release.is_yanked else ""
    return f"{release.distribution} {release.version}: released {release.uploaded}{yanked}, {place}"
