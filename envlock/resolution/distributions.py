"""Files of a release to what a target installs of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from envlock.knowledge.snapshot import SnapshotFile
from envlock.knowledge.source_builds import find_source_build
from envlock.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Installable:
    """What a target gets of one release."""

    requires: tuple[str, ...]
    """Requires-Dist of the file that is installed, as written."""

    files: tuple[SnapshotFile, ...]
    """Every file that the target may install, sorted by name."""

    is_source: bool
    is_yanked: bool


def find_installable(name: str, version: Version, files: Iterable[SnapshotFile], target: Target) -> Installable | None:
    """What *target* gets of the release that *files* are: its best wheel, else a source known to build.

    ``None`` where there is neither, or where nobody knows what it requires. Yanked files count where nothing else is
    left.
    """
    fitting = [file for file in files if admits_python(file.requires_python, target)]
    for candidates in ([file for file in fitting if file.yanked is None], fitting):
        found = _best_wheel(candidates, target) or _source(name, version, candidates)
        if found is not None:
            return found
    return None


def admits_python(requires_python: str, target: Target) -> bool:
    """Whether a Requires-Python, as written, admits the target's Python."""
    # As pip has it, what nobody can read keeps nobody out.
    return not requires_python or _admits(requires_python, target.full_python)


@cache
def _admits(requires_python: str, full_python: str) -> bool:
    try:
        return SpecifierSet(requires_python).contains(full_python)
    except InvalidSpecifier:
        return True


def _best_wheel(files: Iterable[SnapshotFile], target: Target) -> Installable | None:
    ranked = [(rank, file) for file in files if file.is_wheel and (rank := rank_wheel(file.name, target)) is not None]
    if not ranked:
        return None
    _, best = min(ranked, key=lambda item: item[0])
    if best.requires is None:
        return None
    return Installable(
        requires=best.requires,
        files=tuple(sorted((file for _, file in ranked), key=lambda file: file.name)),
        is_source=False,
        is_yanked=best.yanked is not None,
    )


def _source(name: str, version: Version, files: Iterable[SnapshotFile]) -> Installable | None:
    sources = [file for file in files if not file.is_wheel]
    build = find_source_build(name, version) if sources else None
    if build is None:
        return None
    # What an installer prefers where a release has several: the format that PEP 625 settled on.
    best = min(sources, key=lambda file: (not file.name.endswith(".tar.gz"), file.name))
    requires = best.requires if build.requires is None else build.requires
    if requires is None:
        return None
    return Installable(
        requires=requires,
        files=(best,),
        is_source=True,
        is_yanked=best.yanked is not None,
    )


def rank_wheel(name: str, target: Target) -> tuple[int, int] | None:
    """How well a wheel of that file name fits *target*, best first; ``None`` where it does not install there."""
    # distribution-version[-build]-python-abi-platform.whl, each of the last three a set joined by dots
    parts = name.removesuffix(".whl").split("-")
    tags = target.wheel_tags()
    ranks = [
        rank
        for python in parts[-3].split(".")
        for abi in parts[-2].split(".")
        for platform in parts[-1].split(".")
        if (rank := tags.get((python, abi, platform))) is not None
    ]
    build = int("".join(filter(str.isdigit, parts[2])) or 0) if len(parts) == 6 else 0
    return (min(ranks), -build) if ranks else None
