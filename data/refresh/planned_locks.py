"""What ``locked_releases.py`` has locked: every set of releases that an environment of the database may start from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from closures import Trial, plan_best_trials, plan_trials
from packaging.requirements import Requirement
from packaging.version import Version
from roots import names_under

from envlock.knowledge.bounds import bounds_for
from envlock.knowledge.builds import Build, build_for
from envlock.knowledge.families import family_of
from envlock.knowledge.loaders import all_loaders
from envlock.knowledge.pairings import paired_lines
from envlock.knowledge.pip_support import find_old_python
from envlock.knowledge.releases import Release, line_order, releases_of, releases_of_line, sort_lines
from envlock.target import DEVICES, PLATFORMS, Device, Platform, Target


def plan_locks(roots: Mapping[str, Any]) -> Iterator[Trial]:
    """What the snapshot is made from, for the Pythons and distributions of ``snapshot_roots.toml``."""
    pythons: Sequence[str] = roots["scope"]["pythons"]
    for platform in PLATFORMS:
        yield from plan_trials(pythons, platform)
        yield from plan_device_trials(pythons, platform)
        for name in names_under("locked", roots):
            yield from plan_best_trials(name, pythons, platform)
        yield from plan_tool_trials(pythons, platform)


def plan_pins(roots: Mapping[str, Any]) -> Iterator[Trial]:
    """What projects may pin, of ``snapshot_roots.toml`` too: far more trials, most of which differ by one release."""
    pythons: Sequence[str] = roots["scope"]["pythons"]
    for platform in PLATFORMS:
        for pinned in names_under("pinned", roots):
            yield from plan_pinned_trials(Requirement(pinned), pythons, platform)


def plan_device_trials(pythons: Iterable[str], platform: Platform) -> Iterator[Trial]:
    """What ``from-model`` asks for to have a TensorFlow line compute on a device: its newest release built for that."""
    for device, line, python in product(DEVICES, reversed(_served_lines()), pythons):
        target = Target(python=python, platform=platform)
        if (build := _newest_build(line, target, device)) is not None:
            yield _trial_of(f"tensorflow for {device}", build.release.version, build, (), target)


def plan_pinned_trials(pinned: Requirement, pythons: Iterable[str], platform: Platform) -> Iterator[Trial]:
    """Every release that *pinned* admits, newest first, beside each TensorFlow line of its own."""
    targets = [Target(python=python, platform=platform) for python in sorted(pythons, key=line_order, reverse=True)]
    for release in reversed(releases_of(pinned.name)):
        if release.is_yanked or release.version not in pinned.specifier:
            continue
        for line, target in product(_tensorflow_lines(release), targets):
            build = _newest_build(line, target, "cpu", member=_required_member(release, target))
            if build is not None and release.can_be_installed(target.python, target.platform.name):
                yield _trial_of(release.distribution, release.version, build, (release,), target)


def plan_tool_trials(pythons: Iterable[str], platform: Platform) -> Iterator[Trial]:
    """What makes environments of the *pythons* that uv does not serve."""
    for old in dict.fromkeys(filter(None, map(find_old_python, pythons))):
        virtualenv = Requirement(old.virtualenv)
        (pinned,) = virtualenv.specifier
        yield Trial(
            subject=virtualenv.name,
            version=Version(pinned.version),
            requirements=(virtualenv,),
            constraints=(),
            target=Target(python=old.run_by, platform=platform),
        )


def _served_lines() -> tuple[str, ...]:
    """The TensorFlow lines that anything runs on, oldest first."""
    return sort_lines(line for loader in all_loaders() for line in loader.tensorflow)


def _newest_build(line: str, target: Target, device: Device, *, member: str | None = None) -> Build | None:
    """The newest release of a TensorFlow line, of this *member* of the family, that is built for *device*."""
    releases = reversed(releases_of_line("tensorflow", line))
    builds = (build_for(release.version, target, device, member=member) for release in releases)
    return next(filter(None, builds), None)


def _required_member(release: Release, target: Target) -> str | None:
    """The member of the TensorFlow family that *release* requires by its name: a second one would overwrite it."""
    declared = map(Requirement, release.requires.get(target.platform.name) or release.requires.get("*", ()))
    members = (
        requirement.name
        for requirement in declared
        if requirement.marker is None or requirement.marker.evaluate(target.marker_environment)
        if family_of(requirement.name) == "tensorflow"
    )
    return next(members, None)


def _tensorflow_lines(release: Release) -> tuple[str, ...]:
    """The lines that *release* is paired with, oldest first; where there are none, the one that was new in its time."""
    paired = paired_lines(release.distribution, release.version)
    if paired:
        # The oldest are the ones of its time: later ones may demand more than its own pins allow.
        return sort_lines(paired)
    lines = _served_lines()
    of_its_time = [line for line in lines if releases_of_line("tensorflow", line)[0].uploaded <= release.uploaded]
    return (of_its_time[-1],) if of_its_time else lines[:1]


def _trial_of(subject: str, version: Version, build: Build, others: tuple[Release, ...], target: Target) -> Trial:
    """The trial of a TensorFlow *build* beside *others*, with the corrected bounds of all."""
    bounds = [
        bound
        for item in (build.release, *others)
        for bound in bounds_for(item.distribution, item.version, python=target.python)
    ]
    return Trial(
        subject=subject,
        version=version,
        requirements=(
            *map(Requirement, build.requirements),
            *(Requirement(f"{item.distribution}=={item.version}") for item in others),
            *(bound.requirement for bound in bounds if bound.is_missing),
        ),
        constraints=tuple(bound.requirement for bound in bounds),
        target=target,
    )
