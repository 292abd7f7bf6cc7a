"""A failed resolution to one message that names what contradicts, and one hint that names what to change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envlock.errors import ResolutionError
from envlock.knowledge.snapshot import IndexSnapshot, PackageSnapshot, SnapshotFile
from envlock.resolution.distributions import admits_python, find_installable, rank_wheel
from envlock.resolution.interface import ConflictError
from envlock.resolution.preferences import exact_versions
from envlock.target import PLATFORMS, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One requirement that took part in a conflict."""

    name: str
    specifier: SpecifierSet
    required_by: tuple[str, Version] | None
    """Name and version of what requires it; ``None`` where it was asked for."""


@dataclass(frozen=True, slots=True)
class _Explanation:
    message: str
    hint: str


def explain_conflict(
    asked: Sequence[Requirement],
    causes: Sequence[Cause],
    constraints: Mapping[str, SpecifierSet],
    snapshot: IndexSnapshot,
    target: Target,
) -> ConflictError:
    """Why nothing satisfies *causes*, the requirements that were in conflict when the search for *asked* ended."""
    explanations = [
        explanation
        for name in dict.fromkeys(cause.name for cause in causes)
        if (explanation := _explain_name(name, causes, constraints.get(name), snapshot, target)) is not None
    ]
    told = explanations or [_explain_together(causes)]
    return ConflictError(
        _describe_question(asked, target),
        "; ".join(item.message for item in told),
        hint=next((item.hint for item in told if item.hint), ""),
        names=frozenset(cause.name for cause in causes),
        parents=frozenset(cause.required_by[0] for cause in causes if cause.required_by),
        is_certain=_is_certain(asked, causes, constraints),
    )


def explain_address(asked: Sequence[Requirement], requirement: Requirement, target: Target) -> ResolutionError:
    """That a requirement names a file by its address, which the releases of the index do not answer."""
    return _error(asked, target, f"{requirement.name} is asked for by its address", "name a release of it instead")


def explain_effort(asked: Sequence[Requirement], rounds: int, target: Target) -> ResolutionError:
    """That the search was given up, though there may be a solution."""
    return _error(
        asked, target, f"none was found in {rounds:,} attempts", "pin more of what you ask for, such as its numpy"
    )


def _error(asked: Sequence[Requirement], target: Target, message: str, hint: str) -> ResolutionError:
    error = ResolutionError(_describe_question(asked, target), message)
    error.hint = hint
    return error


def _describe_question(asked: Sequence[Requirement], target: Target) -> str:
    return f"{', '.join(map(str, asked))} for {target}"


def _explain_name(
    name: str, causes: Sequence[Cause], bound: SpecifierSet | None, snapshot: IndexSnapshot, target: Target
) -> _Explanation | None:
    """What is wrong with the requirements on one distribution; ``None`` where they can be met by themselves."""
    demands = _merge([cause for cause in causes if cause.name == name], bound)
    package = snapshot.package(name)
    if package is None:
        return _explain_unknown(demands)
    satisfying = _satisfying(package.versions, [demand.specifier for demand in demands])
    if not satisfying:
        return _explain_versions(demands, package, target)
    if not _installable(name, satisfying, package, target):
        return _explain_files(satisfying, demands, package, target)
    return None


# --- whatever releases there are -----------------------------------------------------------------------------


def _is_certain(asked: Sequence[Requirement], causes: Iterable[Cause], constraints: Mapping[str, SpecifierSet]) -> bool:
    """Whether what is asked for by one version each, and bounds, leave no version of some distribution at all."""
    pinned = exact_versions(asked)
    fixed: dict[str, list[SpecifierSet]] = {}
    for cause in causes:
        if cause.required_by is None or cause.required_by[0] in pinned:
            fixed.setdefault(cause.name, []).append(cause.specifier)
    return any(
        _exclude_each_other([*specifiers, constraints.get(name, SpecifierSet())]) for name, specifiers in fixed.items()
    )


def _exclude_each_other(specifiers: Iterable[SpecifierSet]) -> bool:
    """Whether no version satisfies all of *specifiers*; one that names a version as a string may satisfy."""
    bounds = [bound for specifier in specifiers for bound in specifier]
    if any(bound.operator == "===" for bound in bounds):
        return False
    ends = [Version(bound.version.removesuffix(".*")) for bound in bounds]
    return not _satisfying(_where_ranges_begin(ends), [SpecifierSet(str(bound)) for bound in bounds])


def _where_ranges_begin(ends: Iterable[Version]) -> Iterator[Version]:
    """Versions of which one is in any range that has such *ends*: none is smaller, and ranges begin at or after one."""
    yield Version("0")
    for end in ends:
        yield end
        *parents, last = end.release
        for numbers in ([*end.release, 0, 0, 1], [*parents, last + 1]):
            yield Version(".".join(map(str, numbers)))


# --- requirements in words -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Demand:
    """What one source demands of a distribution, whichever of its releases it is."""

    name: str
    specifier: SpecifierSet
    source: str
    """In brackets behind the requirement."""

    is_asked: bool

    def __str__(self) -> str:
        return f"{self.text} ({self.source})"

    @property
    def text(self) -> str:
        return f"{self.name}{self.specifier}"


def _merge(causes: Iterable[Cause], bound: SpecifierSet | None) -> list[_Demand]:
    """The demands of *causes*, releases of one distribution that demand the same taken together."""
    releases: dict[tuple[str, str, str], list[Version]] = {}
    specifiers: dict[tuple[str, str, str], SpecifierSet] = {}
    for cause in causes:
        parent, version = cause.required_by or ("", None)
        key = (cause.name, str(cause.specifier), parent)
        specifiers[key] = cause.specifier
        versions = releases.setdefault(key, [])
        if version is not None and version not in versions:
            versions.append(version)
    demands = [
        _Demand(
            name=key[0],
            specifier=specifiers[key],
            source=f"required by {key[2]} {_range(versions)}" if key[2] else "asked for",
            is_asked=not key[2],
        )
        for key, versions in releases.items()
    ]
    if bound is not None and demands:
        demands.append(_Demand(name=demands[0].name, specifier=bound, source="a bound in force", is_asked=False))
    return demands


def _range(versions: Sequence[Version]) -> str:
    first, last = min(versions), max(versions)
    return str(first) if first == last else f"{first} to {last}"


def _enumerate(items: Sequence[object]) -> str:
    *others, last = map(str, items)
    return f"{', '.join(others)} and {last}" if others else last


def _satisfying(versions: Iterable[Version], specifiers: Iterable[SpecifierSet]) -> list[Version]:
    wanted = list(specifiers)
    return [version for version in versions if all(item.contains(version, prereleases=True) for item in wanted)]


def _installable(name: str, versions: Iterable[Version], package: PackageSnapshot, target: Target) -> list[Version]:
    return [version for version in versions if find_installable(name, version, package.files(version), target)]


# --- one reason each -----------------------------------------------------------------------------------------


def _explain_unknown(demands: Sequence[_Demand]) -> _Explanation:
    return _Explanation(
        f"the database does not hold {_enumerate(demands)}", "take --engine uv, which asks the package index"
    )


def _explain_versions(demands: Sequence[_Demand], package: PackageSnapshot, target: Target) -> _Explanation:
    """No release is in all the ranges that are demanded."""
    name = demands[0].name
    wishes = [demand for demand in demands if demand.is_asked]
    if _exclude_each_other(demand.specifier for demand in wishes):
        return _Explanation(f"{_enumerate(wishes)} exclude each other", "leave one of them out")
    for demand in demands:
        if against := _against(demand, demands):
            others = [other for other in demands if other is not demand]
            return _Explanation(
                f"{demand} is against {_enumerate(against)}", _advise_other(demand, others, package, target)
            )
    for demand in demands:
        if not _satisfying(package.versions, [demand.specifier]):
            held = f"{name} is there from {package.versions[0]} to {package.versions[-1]}"
            return _Explanation(
                f"the database holds no release {demand}: {held}", _advise_other(demand, [], package, target)
            )
    asked = next((demand for demand in demands if demand.is_asked), None)
    return _Explanation(
        f"no release of {name} satisfies {_enumerate(demands)}",
        _advise_other(asked, [demand for demand in demands if demand is not asked], package, target) if asked else "",
    )


def _against(demand: _Demand, demands: Sequence[_Demand]) -> list[_Demand]:
    """What cannot be met beside a demand for one version, whichever releases there are."""
    pinned = next((item.version for item in demand.specifier if item.operator == "=="), "*")
    if not demand.is_asked or "*" in pinned:
        return []
    return [
        other
        for other in demands
        if other is not demand and not other.specifier.contains(Version(pinned), prereleases=True)
    ]


def _advise_other(demand: _Demand, others: Sequence[_Demand], package: PackageSnapshot, target: Target) -> str:
    """What to ask for instead of *demand*, so that the *others* are met."""
    possible = _satisfying(package.versions, [other.specifier for other in others])
    installable = [
        version for version in _installable(demand.name, possible, package, target) if not version.is_prerelease
    ]
    if not demand.is_asked or not installable:
        return ""
    return f"ask for {demand.name}=={installable[-1]} instead of {demand.text}"


def _explain_files(
    satisfying: Sequence[Version], demands: Sequence[_Demand], package: PackageSnapshot, target: Target
) -> _Explanation:
    """Releases satisfy, oldest first, and the target can install none of them."""
    name = demands[0].name
    files = [file for version in satisfying for file in package.files(version)]
    is_asked = any(demand.is_asked for demand in demands)
    if not package.is_complete:
        # The index may well have more wheels than those that some lock needed.
        lacking = f"the database holds no wheel of {name} {_range(satisfying)} for {target}"
    elif len(satisfying) == 1:
        lacking = f"{name} {satisfying[0]} has no wheel for {target}"
    else:
        lacking = f"no release of {name} from {_range(satisfying)} has a wheel for {target}"
    needed = "" if is_asked else f", and {_enumerate(demands)} is needed"
    existing, hints = _describe_wheels(files, target)
    others = _installable(name, package.versions, package, target)
    if others:
        hints.append(f"ask for {name} {_range(others)}")
    # What is merely required may be required by other releases only on another target.
    return _Explanation(f"{lacking}: {existing}{needed}", " or ".join(hints) if is_asked else "")


def _describe_wheels(files: Sequence[SnapshotFile], target: Target) -> tuple[str, list[str]]:
    """For what there are wheels among *files*, and what to change in *target* so that they serve."""
    pythons = _pythons_with_wheel(files, target)
    if target.python in pythons:
        return "nobody knows what its wheels require", []
    if pythons:
        return f"there are wheels for Python {_enumerate(pythons)}", [f"take Python {pythons[-1]}"]
    refused = {file.requires_python for file in files if file.is_wheel and rank_wheel(file.name, target) is not None}
    bounds = sorted(bound for bound in refused if not admits_python(bound, target))
    if bounds:
        return f"its wheels require Python {' or '.join(bounds)}", [f"take a Python {' or '.join(bounds)}"]
    newer = next((other for other in _with_newer_glibc(target) if _has_wheel(files, other)), None)
    if newer is not None:
        glibc = ".".join(map(str, newer.platform.minimum))
        return f"its wheels need glibc {glibc} or newer (--python-platform {newer.platform.tag})", []
    elsewhere = (replace(target, platform=platform) for platform in PLATFORMS)
    platforms = [other.platform.label for other in elsewhere if _pythons_with_wheel(files, other)]
    if platforms:
        return f"there are wheels for {_enumerate(platforms)}", []
    if any(file.is_wheel for file in files):
        return "its wheels are for other targets, or nobody knows what they require", []
    return "there is the source alone, and it is not known to build", []


def _with_newer_glibc(target: Target) -> Iterator[Target]:
    """The target with one newer glibc after the other, as far as there are any today."""
    major, minor = target.platform.minimum
    for newer in range(minor + 1, _NEWEST_GLIBC + 1) if target.platform.system == "Linux" else ():
        yield replace(target, platform=replace(target.platform, minimum=(major, newer)))


_NEWEST_GLIBC = 50
"""Minor release, with room for those to come: the newest of today is 2.42."""


def _has_wheel(files: Iterable[SnapshotFile], target: Target) -> bool:
    return any(
        file.is_wheel and rank_wheel(file.name, target) is not None and admits_python(file.requires_python, target)
        for file in files
    )


_CPYTHON = re.compile(r"cp(\d)(\d+)")


def _pythons_with_wheel(files: Iterable[SnapshotFile], target: Target) -> list[str]:
    """The Python lines, oldest first, for which a wheel of *files* installs on the platform of *target*.

    Lines are those that the wheels name; ``py3`` names none.
    """
    lines = set()
    for file in files:
        for major, minor in _CPYTHON.findall(file.name if file.is_wheel else ""):
            other = Target(python=f"{major}.{minor}", platform=target.platform)
            if rank_wheel(file.name, other) is not None and admits_python(file.requires_python, other):
                lines.add((int(major), int(minor)))
    return [f"{major}.{minor}" for major, minor in sorted(lines)]


def _explain_together(causes: Sequence[Cause]) -> _Explanation:
    """Each distribution could be had by itself, and not together with the others."""
    names = dict.fromkeys(cause.name for cause in causes)
    demands = [demand for name in names for demand in _merge([cause for cause in causes if cause.name == name], None)]
    return _Explanation(f"these contradict each other: {_enumerate(demands)}", "")
