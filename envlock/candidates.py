"""Verdicts to environment candidates, best first, each with its reasons."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from packaging.version import Version

from envlock.dating import Saver
from envlock.errors import NoCandidateError, UsageError
from envlock.knowledge.bounds import Bound, bounds_for
from envlock.knowledge.builds import Build, build_for
from envlock.knowledge.custom_objects import module_of, providers_of
from envlock.knowledge.families import members_of, pythons_with_wheels
from envlock.knowledge.load_rules import requirements_of_format
from envlock.knowledge.loaders import Loader, all_loaders
from envlock.knowledge.operations import contrib_module_of, is_core_operation
from envlock.knowledge.pairings import is_paired, release_for_tensorflow
from envlock.knowledge.pip_support import can_be_served
from envlock.knowledge.releases import (
    Release,
    line_of,
    line_order,
    lines_of,
    python_lines_of,
    releases_of,
    releases_of_line,
    sort_lines,
)
from envlock.knowledge.specifiers import admits
from envlock.loadability import GPU_OPERATION, CustomObject, Reason, Verdict
from envlock.provenance import Operation, Provenance
from envlock.stamps import Stamp, known_distributions
from envlock.target import Device, Platform, Preference, Target

if TYPE_CHECKING:
    # Their import takes a quarter of the time of an explanation, which asks no resolver.
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentCandidate:
    """One environment that is expected to load the artifact."""

    loader: Loader
    tensorflow: Release
    """Release of the member of the TensorFlow family that is to be installed."""

    needs: tuple[str, ...]
    """What no installer brings, for a person to see to, such as a driver."""

    target: Target
    is_at_hand: bool
    """Whether an interpreter for the target's Python is on this machine."""

    asked_for: tuple[str, ...]
    """What is asked for by name, as requirements are written: pinned, or bounded where metadata forgets it.

    The rest follows from metadata.
    """

    bounds: tuple[Bound, ...]
    """Corrected bounds that hold beside the requirements."""

    modules: tuple[str, ...]
    """Modules to import before loading, since they register classes that the artifact needs."""

    probes: tuple[str, ...]
    """Loaders of the verification probe, in the order in which they are to be tried."""

    verdict: Verdict
    is_saver: bool
    """Whether the loader is one that has written the artifact, for all that is recorded.

    Lines that would have had to be switched to another behaviour do not count while others are as installed.
    """

    stamp: Stamp | None = None
    """The stamp of the artifact, where it names this environment."""

    @property
    def name(self) -> str:
        """As a person would say it, such as ``tensorflow-cpu 2.3.4 on Python 3.8``."""
        parts = map(_split_requirement, self.asked_for)
        pinned = " + ".join(f"{name} {specifier.lstrip('=')}".strip() for name, specifier in parts)
        return f"{pinned} on Python {self.target.python}"

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """What is *asked_for*, for resolvers."""
        from packaging.requirements import Requirement

        return tuple(map(Requirement, self.asked_for))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the person asked for."""

    prefer: Preference = "auto"
    tensorflow: SpecifierSet | None = None
    """Releases of TensorFlow to choose from: one, or those of a line."""

    python: str | None = None
    """This Python line only."""

    device: Device = "cpu"
    """What TensorFlow is to compute on."""

    pins: Mapping[str, Version] = field(default_factory=dict)
    """Releases of Keras distributions and add-ons that are taken in place of others; of such a Keras, no other line."""


@cache
def possible_pythons() -> tuple[str, ...]:
    """Every Python line that some TensorFlow has a wheel for and an environment can be made of, oldest first."""
    return sort_lines({line for loader in all_loaders() for line in loader.pythons if can_be_served(line)})


def refuse_impossible_python(python: str | None) -> None:
    """Make sure, before anything is asked or read, that there can be an environment of the Python line.

    Raises:
        UsageError: There cannot; the hint tells of which ones.
    """
    if python is not None and python not in possible_pythons():
        raise UsageError(
            f"no environment with TensorFlow can be made of Python {python}",
            hint=f"choose another: {', '.join(possible_pythons())}",
        )


def releases_named(text: str) -> SpecifierSet:
    """The release that *text* names, such as ``2.4.1``, or all of the line that it names, such as ``2.4``.

    Raises:
        InvalidVersion: It is no version.
    """
    from packaging.specifiers import SpecifierSet

    parts = len(Version(text).release)
    return SpecifierSet(f"=={text}.*" if parts < 3 else f"=={text}")


def modules_to_import(
    operations: Iterable[Operation], custom: Collection[CustomObject], brought: Collection[str], line: str
) -> tuple[str, ...]:
    """The modules that register what the artifact needs, where the distributions *brought* are installed.

    *line* is that of the TensorFlow there.
    """
    return tuple(dict.fromkeys((*_modules(custom, brought), *_contrib_modules(operations, line))))


def split_off_tensorflow(requirements: Iterable[Requirement]) -> tuple[SpecifierSet | None, tuple[Requirement, ...]]:
    """What *requirements* ask of TensorFlow, by any name of its family, and all the others.

    It is a wish: which distribution brings TensorFlow is chosen for the target.

    Raises:
        UsageError: TensorFlow is asked for with an extra or a marker, which leave no choice.
    """
    from packaging.utils import canonicalize_name

    members = members_of("tensorflow")
    wish: SpecifierSet | None = None
    others: list[Requirement] = []
    for requirement in requirements:
        if canonicalize_name(requirement.name) not in members:
            others.append(requirement)
        elif requirement.extras or requirement.marker is not None:
            raise UsageError(
                f"{requirement}: envlock chooses the distribution of TensorFlow itself",
                hint="name a plain version, or use --tensorflow, --device and --python-version",
            )
        elif requirement.specifier:
            wish = requirement.specifier if wish is None else wish & requirement.specifier
    return wish, tuple(others)


def propose_candidates(
    provenance: Provenance,
    saver: Saver,
    verdicts: Iterable[Verdict],
    custom: Collection[CustomObject],
    *,
    platform: Platform,
    pythons: Collection[str],
    wishes: Wishes,
    stamp: Stamp | None = None,
) -> tuple[EnvironmentCandidate, ...]:
    """Every environment worth a try, best first.

    What the *stamp* of the artifact names comes first, whatever is expected of it, unless *wishes* are for another.
    Expected to load comes before anything else; then, as *wishes* prefer, nearest to the saver or newest; then
    *pythons*, the lines at hand. Loaders that are expected to fail are proposed only where the person named the
    TensorFlow release. Empty where nothing on record loads the artifact.
    """
    verdicts = tuple(verdicts)
    proposed = [
        candidate
        for verdict in verdicts
        if verdict.verdict != "fails" or wishes.tensorflow is not None
        if _gpu_needed(verdict) is None or _has_tensorrt(platform, wishes)
        if (candidate := _propose(provenance, saver, verdict, custom, platform, pythons, wishes)) is not None
        if wishes.prefer != "saver" or candidate.is_saver
    ]
    rank = _rank_newest if wishes.prefer == "newest" else _rank_nearest
    ranked = sorted(proposed, key=lambda candidate: rank(candidate, saver))
    narrowed = _as_stamped(wishes, stamp) if stamp is not None else None
    if stamp is not None and narrowed is not None:
        as_stamped = propose_candidates(
            provenance, saver, verdicts, custom, platform=platform, pythons=pythons, wishes=narrowed
        )
        fitting = (replace(candidate, stamp=stamp) for candidate in as_stamped if _is_named_in(stamp, candidate))
        ranked[:0] = sorted(fitting, key=lambda candidate: candidate.loader.probe != stamp.loader)[:1]
    return tuple(_without_repetition(ranked))


def explain_no_candidate(verdicts: Iterable[Verdict], *, platform: Platform, wishes: Wishes) -> NoCandidateError:
    """Why there is nothing to propose, most basic reason first."""
    wished = str(wishes.tensorflow or "").lstrip("=").removesuffix(".*")
    releases = [
        item for item in releases_of("tensorflow") if wishes.tensorflow is None or item.version in wishes.tensorflow
    ]
    if not releases:
        lines = lines_of("tensorflow")
        return NoCandidateError(
            f"the database holds no release of TensorFlow {wished}",
            hint=f"name another with --tensorflow: it holds {lines[0]} to {lines[-1]}",
        )
    verdicts = tuple(verdicts)
    with_wheels = {line for item in releases for line in python_lines_of(item, platform.name)}
    pythons = [line for line in possible_pythons() if line in with_wheels]
    if wishes.python is not None and wishes.python not in pythons:
        return NoCandidateError(
            f"TensorFlow {wished} has no wheel for Python {wishes.python} on {platform.name}".replace("  ", " "),
            hint=f"it has wheels for Python {', '.join(pythons)}: choose another --python-version or --tensorflow",
        )
    if wishes.device != "cpu" and (error := _explain_device(releases, platform, wishes)) is not None:
        return error
    needed = next(filter(None, map(_gpu_needed, verdicts)), None)
    if needed is not None and not _has_tensorrt(platform, wishes):
        return NoCandidateError(
            f"no build for --device {wishes.device} on {platform.label} loads this artifact: it {needed.message}",
            hint="lock for a machine with such a GPU: --lock-only --device cuda --python-platform linux_x86_64",
        )
    loading = _lines_that_load(verdicts, releases)
    if loading and wishes.prefer != "saver":
        return _explain_build(loading, platform, wishes)
    reasons = Counter(
        reason.message for verdict in verdicts if verdict.verdict == "fails" for reason in verdict.reasons
    )
    told = "; ".join(message for message, _ in reasons.most_common(3)) or "none is known for its kind"
    return NoCandidateError(f"no release in the database loads this artifact as you ask: {told}")


def _gpu_needed(verdict: Verdict) -> Reason | None:
    """The reason that only builds for GPUs load the artifact, where that is so."""
    return next((reason for reason in verdict.reasons if reason.reference == GPU_OPERATION), None)


def _has_tensorrt(platform: Platform, wishes: Wishes) -> bool:
    """Whether the builds that are asked for are of those that TensorRT is built into."""
    return wishes.device == "cuda" and platform.system == "Linux"


def _explain_device(releases: Iterable[Release], platform: Platform, wishes: Wishes) -> NoCandidateError | None:
    """That none of *releases* has a build for the device on the platform; ``None`` where one has."""
    if _lines_built_for(releases, platform, wishes.device):
        return None
    wished = str(wishes.tensorflow or "").lstrip("=").removesuffix(".*")
    others = _lines_built_for(releases_of("tensorflow"), platform, wishes.device)
    return NoCandidateError(
        f"TensorFlow {wished} has no build for --device {wishes.device} on {platform.label}".replace("  ", " "),
        hint=f"there are builds of {', '.join(others)}" if others else "leave --device out, or name another platform",
    )


def _explain_build(loading: Sequence[str], platform: Platform, wishes: Wishes) -> NoCandidateError:
    """That the lines *loading* would serve, and none of them can be installed as wished."""
    lines = f"{loading[0]} to {loading[-1]}" if len(loading) > 1 else loading[0]
    on = f"Python {wishes.python} on {platform.label}" if wishes.python else platform.label
    wished = [
        option
        for option, is_wished in [
            ("--python-version", wishes.python is not None),
            ("--device", wishes.device != "cpu"),
            ("--tensorflow", wishes.tensorflow is not None),
        ]
        if is_wished
    ]
    hint = f"leave {' or '.join(wished)} out" if wished else "lock for another with --lock-only --python-platform NAME"
    return NoCandidateError(f"TensorFlow {lines} would load the model, and has no build for {on}", hint=hint)


def _lines_built_for(releases: Iterable[Release], platform: Platform, device: Device) -> tuple[str, ...]:
    """The lines that have a build for *device* on any Python, oldest first."""
    return sort_lines(
        release.line
        for release in releases
        for python in _pythons_with_wheels([release], platform)
        if build_for(release.version, Target(python=python, platform=platform), device) is not None
    )


def _lines_that_load(verdicts: Iterable[Verdict], releases: Iterable[Release]) -> tuple[str, ...]:
    """The TensorFlow lines of *releases* that a loader which is not expected to fail runs on, oldest first."""
    wanted = {release.line for release in releases}
    return sort_lines(
        line
        for verdict in verdicts
        if verdict.verdict != "fails"
        for line in verdict.loader.tensorflow
        if line in wanted
    )


# --- as stamped ----------------------------------------------------------------------------------------------


def _as_stamped(wishes: Wishes, stamp: Stamp) -> Wishes | None:
    """*wishes* for the environment that *stamp* names; ``None`` where they are for another, or it names none."""
    if stamp.tensorflow is None or wishes.prefer == "newest":
        return None
    version, python = stamp.tensorflow[1], line_of(stamp.python)
    is_wished = wishes.tensorflow is None or wishes.tensorflow.contains(version)
    if not is_wished or wishes.python not in {None, python}:
        return None
    from packaging.specifiers import SpecifierSet

    pins = {**known_distributions(stamp), **wishes.pins}
    return replace(wishes, prefer="auto", tensorflow=SpecifierSet(f"=={version.public}"), python=python, pins=pins)


def _is_named_in(stamp: Stamp, candidate: EnvironmentCandidate) -> bool:
    loader = candidate.loader
    return not loader.is_separate or loader.release.distribution in stamp.distributions


# --- one candidate -------------------------------------------------------------------------------------------


def _propose(
    provenance: Provenance,
    saver: Saver,
    verdict: Verdict,
    custom: Collection[CustomObject],
    platform: Platform,
    pythons: Collection[str],
    wishes: Wishes,
) -> EnvironmentCandidate | None:
    """The best environment for one loader: on a Python at hand if any fits, else on the newest that fits."""
    loader = verdict.loader
    wished = wishes.pins.get(loader.release.distribution)
    if loader.is_separate and wished is not None and line_of(wished) != loader.line:
        return None
    possible = (
        found
        for line in loader.tensorflow
        for found in _installable(loader, line, platform, provenance.code_readers, wishes)
    )
    chosen = _prefer_at_hand(possible, pythons)
    if chosen is None:
        return None
    build, target = chosen
    brought = sorted({item.distribution for item in custom if item.distribution is not None})
    pinned = (
        *_requirements(loader, build, brought, wishes.pins),
        *requirements_of_format(provenance.format),
    )
    bounds = tuple(_bounds(pinned, target.python))
    return EnvironmentCandidate(
        loader=loader,
        tensorflow=build.release,
        needs=(*build.needs, *(_tensorrt(build.release) if _gpu_needed(verdict) else ())),
        target=target,
        is_at_hand=target.python in pythons,
        asked_for=pinned + tuple(bound.text for bound in bounds if bound.is_missing),
        bounds=bounds,
        modules=modules_to_import(provenance.operations, custom, brought, build.release.line),
        probes=_probes(provenance, loader),
        verdict=verdict,
        is_saver=loader in saver.loaders and (loader.name in saver.likely or not saver.likely),
    )


def _tensorrt(release: Release) -> Iterator[str]:
    """The TensorRT that *release* loads when it first computes with it."""
    from envlock.knowledge.accelerators import cuda_for

    built_for = cuda_for(release.version)
    if built_for is not None and built_for.tensorrt is not None:
        yield f"TensorRT {built_for.tensorrt}"


def _prefer_at_hand(possible: Iterable[tuple[Build, Target]], pythons: Collection[str]) -> tuple[Build, Target] | None:
    """The first on one of *pythons*, else the first of all; where there are none, no other is worked out."""
    first = None
    for build, target in possible:
        if not pythons or target.python in pythons:
            return build, target
        first = first or (build, target)
    return first


def _installable(
    loader: Loader, line: str, platform: Platform, code_readers: Collection[str] | None, wishes: Wishes
) -> Iterator[tuple[Build, Target]]:
    """Builds of the TensorFlow *line* with the targets that have their wheel: newest Python, then newest patch."""
    releases = [
        release
        for release in reversed(releases_of_line("tensorflow", line))
        if wishes.tensorflow is None or wishes.tensorflow.contains(release.version)
    ]
    for python in _pythons_with_wheels(releases, platform):
        if wishes.python not in {None, python} or (code_readers is not None and python not in code_readers):
            continue
        if loader.is_separate and not loader.release.can_be_installed(python, platform.name):
            continue
        target = Target(python=python, platform=platform)
        builds = (
            build_for(release.version, target, wishes.device, member=loader.family_member) for release in releases
        )
        if (build := next(filter(None, builds), None)) is not None:
            yield build, target


def _pythons_with_wheels(releases: Iterable[Release], platform: Platform) -> list[str]:
    """The Pythons for which any member of the family has a wheel of any of *releases*, newest first."""
    pythons = {python for item in releases for python in pythons_with_wheels("tensorflow", item.version, platform.name)}
    return sorted(pythons, key=line_order, reverse=True)


def _requirements(loader: Loader, build: Build, brought: Iterable[str], pins: Mapping[str, Version]) -> Iterator[str]:
    yield from build.requirements
    if loader.is_separate:
        name = loader.release.distribution
        yield f"{name}=={pins.get(name, loader.release.version)}"
    for distribution in brought:
        if distribution in pins:
            yield f"{distribution}=={pins[distribution]}"
        elif is_paired(distribution):
            release = release_for_tensorflow(distribution, build.release.line)
            yield f"{distribution}=={release.version}" if release else distribution
        else:
            yield distribution


def _modules(custom: Collection[CustomObject], brought: Iterable[str]) -> Iterator[str]:
    """The imports that register what is brought, and those that have as an attribute what is not registered."""
    for distribution in brought:
        if (module := module_of(distribution)) is not None:
            yield module
        for item in custom:
            if item.distribution == distribution and item.kind != "operation":
                yield from (one.module for one in providers_of(item.name) if one.distribution == distribution)


def _contrib_modules(operations: Iterable[Operation], line: str) -> Iterator[str]:
    """The modules of ``tf.contrib`` that register operations, which ``import tensorflow`` leaves out."""
    for operation in operations:
        if not is_core_operation(operation.name) and (module := contrib_module_of(operation.name, line)):
            yield module


def _bounds(requirements: Iterable[str], python: str) -> Iterator[Bound]:
    for name, specifier in map(_split_requirement, requirements):
        version = _version_asked_for(name, specifier)
        if version is not None:
            yield from bounds_for(name, version, python=python)


def _version_asked_for(distribution: str, specifier: str) -> Version | None:
    """The version that is pinned, whether there is such a release or not, or the newest that is admitted."""
    if specifier.startswith("=="):
        return Version(specifier.removeprefix("=="))
    admitted = (item.version for item in reversed(releases_of(distribution)) if admits(specifier, str(item.version)))
    return next(admitted, None)


_EXTRAS = re.compile(r"(?:\[[^]]*\])?(?=[<>=!~]|$)")


def _split_requirement(text: str) -> tuple[str, str]:
    """Name and specifier of a requirement of a candidate, which has no marker and pins no whole line."""
    name, specifier = _EXTRAS.split(text, maxsplit=1)
    return name, specifier


def _probes(provenance: Provenance, loader: Loader) -> tuple[str, ...]:
    # What does not come back as a Keras model may still be called through its signatures.
    if provenance.format == "saved-model" and loader.probe != "tensorflow":
        return (loader.probe, "tensorflow")
    return (loader.probe,)


# --- order ---------------------------------------------------------------------------------------------------


def _rank_nearest(candidate: EnvironmentCandidate, saver: Saver) -> tuple[object, ...]:
    return (
        _certainty(candidate),
        not candidate.is_saver,
        _is_other_lineage(candidate.loader, saver),
        _days_from_saver(candidate.loader, saver) if not candidate.is_saver else 0,
        not candidate.is_at_hand,
        -_day_of_first_release(candidate.loader),
        candidate.loader.schema is None,
    )


def _rank_newest(candidate: EnvironmentCandidate, saver: Saver) -> tuple[object, ...]:
    del saver
    return (
        _certainty(candidate),
        tuple(-part for part in line_order(line_of(candidate.tensorflow.version))),
        -_day_of_first_release(candidate.loader),
        candidate.loader.schema is None,
    )


def _certainty(candidate: EnvironmentCandidate) -> int:
    return {"loads": 0, "needs-code": 0, "unknown": 1, "fails": 2}[candidate.verdict.verdict]


def _is_other_lineage(loader: Loader, saver: Saver) -> bool:
    lineages = {known.schema.lineage for known in saver.loaders if known.schema is not None}
    return loader.schema is not None and bool(lineages) and loader.schema.lineage not in lineages


def _days_from_saver(loader: Loader, saver: Saver) -> int:
    day = _day(loader.release.uploaded)
    return min((abs(day - _day(known)) for known in saver.days), default=0)


def _day_of_first_release(loader: Loader) -> int:
    """When the line began. Old lines get patches on the same day as new ones, and are no newer for it."""
    return _day(releases_of_line(loader.release.distribution, loader.line)[0].uploaded)


def _day(uploaded: str) -> int:
    return date.fromisoformat(uploaded).toordinal()


def _without_repetition(candidates: Iterable[EnvironmentCandidate]) -> Iterator[EnvironmentCandidate]:
    """Leave out candidates whose environment is that of an earlier one: two loaders may live in the same."""
    seen: set[tuple[object, ...]] = set()
    for candidate in candidates:
        environment = (candidate.asked_for, candidate.target)
        if environment not in seen:
            seen.add(environment)
            yield candidate
