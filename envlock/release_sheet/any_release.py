"""Sections that a release of any distribution can have."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envlock.knowledge.bounds import bounds_for
from envlock.knowledge.closures import closures_of
from envlock.knowledge.custom_objects import module_of
from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.families import family_of, members_of
from envlock.knowledge.loaders import Loader, keras_loaders
from envlock.knowledge.pairings import paired_lines, pairings_of
from envlock.knowledge.platform_support import WheelOrigin, instructions_needed, wheel_origin_of
from envlock.knowledge.releases import Release, find_release, lines_of, python_lines_of, sort_lines
from envlock.knowledge.requirements import read_requirement
from envlock.knowledge.snapshot import bundled_snapshot
from envlock.knowledge.specifiers import admits
from envlock.knowledge.tensorflow_facts import facts_of_line
from envlock.release_sheet.interface import Section, runs_of
from envlock.target import LINUX_X86_64, PLATFORMS, Target

_PLATFORMS = {platform.name: platform for platform in PLATFORMS}


# --- wheels --------------------------------------------------------------------------------------------------


def wheels(release: Release) -> Iterator[Section]:
    """Which Pythons and platforms have a wheel, and what that asks of the platform."""
    lines: list[str] = []
    value: dict[str, dict[str, object]] = {}
    for platform, carrier in sorted(_carriers(release).items()):
        pythons = _pythons_on(carrier, platform)
        told = [f"Python {runs_of(pythons)}"] if pythons else []
        value[platform] = {"pythons": list(pythons), "carried_by": carrier.distribution}
        origin = _origin(release, platform)
        if origin is not None:
            instructions = sorted(instructions_needed(release.version, platform))
            told += _needs(origin, instructions, platform)
            told += [f"in {origin.carried_by}"] if origin.carried_by != release.distribution else []
            value[platform] |= {
                "carried_by": origin.carried_by,
                "system": origin.system,
                "instructions": instructions,
            }
        lines.append(f"{platform}: {', '.join(told)}")
    none = "none, but a source distribution" if release.has_sdist else "none"
    yield Section(name="wheels", title="wheels", lines=tuple(lines) or (none,), value=value)


def _carriers(release: Release) -> dict[str, Release]:
    """The release that has a wheel for a platform: itself, or the one to name there in its place."""
    carriers = dict.fromkeys(release.wheels, release)
    for platform in _PLATFORMS.keys() - release.wheels.keys():
        origin = _origin(release, platform)
        other = find_release(origin.carried_by, release.version) if origin else None
        if other is not None and platform in other.wheels:
            carriers[platform] = other
    return carriers


def _origin(release: Release, platform: str) -> WheelOrigin | None:
    """Where the library comes from, which is known of tensorflow itself."""
    return wheel_origin_of(release.version, platform) if release.distribution == "tensorflow" else None


def _needs(origin: WheelOrigin, instructions: list[str], platform: str) -> Iterator[str]:
    if origin.system:
        yield f"{'glibc' if platform.startswith('linux') else 'macOS'} {origin.system} or newer"
    if instructions:
        yield f"{', '.join(instructions).upper()} instructions"


def _pythons_on(release: Release, platform: str) -> tuple[str, ...]:
    """The Python lines that have a wheel on *platform*; of those that the database speaks of where it has no tags."""
    known: list[str] = read_toml("snapshot_roots.toml")["scope"]["pythons"]
    if platform == "any":
        return tuple(line for line in known if release.supports(line, platform))
    return python_lines_of(release, platform)


def _pythons(release: Release) -> tuple[str, ...]:
    return sort_lines(line for platform in release.wheels for line in _pythons_on(release, platform))


def family(release: Release) -> Iterator[Section]:
    """Under which other names the same release came out."""
    others = (name for name in members_of(family_of(release.distribution)) if name != release.distribution)
    found = [name for name in others if find_release(name, release.version)]
    if found:
        yield Section(name="family", title="also as", lines=(", ".join(found),), value=found)


# --- requirements --------------------------------------------------------------------------------------------


def requirements(release: Release) -> Iterator[Section]:
    """What the metadata declares, without extras and without what applies to no wheel."""
    by_requirements: dict[tuple[str, ...], list[str]] = {}
    for platform in sorted(release.wheels):
        by_requirements.setdefault(tuple(sorted(_declared(release, platform))), []).append(platform)
    lines = [
        ", ".join(texts) if len(by_requirements) == 1 else f"{', '.join(platforms)}: {', '.join(texts)}"
        for texts, platforms in by_requirements.items()
    ]
    value = {platform: list(texts) for platform, texts in release.requires.items()}
    if any(by_requirements):
        yield Section(name="requires", title="declares", lines=tuple(lines), value=value)


def _declared(release: Release, platform: str) -> Iterator[str]:
    """The requirements of the wheels for *platform*, with their Pythons where they are not those of all."""
    pythons = _pythons_on(release, platform)
    found: dict[str, list[str]] = {}
    for python in pythons:
        for requirement in _holding(release, platform, python):
            found.setdefault(str(requirement).partition(";")[0].rstrip(), []).append(python)
    for text, where in found.items():
        yield text if len(where) == len(pythons) else f"{text} (Python {runs_of(where)})"


def _holding(release: Release, platform: str, python: str) -> Iterator[Requirement]:
    """The requirements that hold there; on Linux x86_64 for wheels that serve every platform."""
    environment = Target(python=python, platform=_PLATFORMS.get(platform, LINUX_X86_64)).marker_environment
    for requirement in _metadata(release, platform, python):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            yield requirement


def _metadata(release: Release, platform: str, python: str) -> Iterator[Requirement]:
    keys = [f"{platform}_py2"] if python.startswith("2.") else []
    keys += [platform, "any", "*"]
    texts = next((release.requires[key] for key in keys if key in release.requires), ())
    return (requirement for text in texts if (requirement := read_requirement(text)) is not None)


def corrected_bounds(release: Release) -> Iterator[Section]:
    """What the metadata should declare and does not, with the failure that shows it."""
    titles = {row["id"]: row["title"] for row in read_toml("failures.toml")["failure"]}
    found: dict[tuple[str, str], list[str]] = {}
    for python in _pythons(release):
        for bound in bounds_for(release.distribution, release.version, python=python):
            if not _is_declared(bound.requirement, release, python):
                found.setdefault((str(bound.requirement), bound.failure), []).append(python)
    if found:
        lines = tuple(
            f"{requirement} on Python {runs_of(pythons)}: {titles[failure]} [{failure}]"
            for (requirement, failure), pythons in found.items()
        )
        value = [
            {"requirement": requirement, "failure": failure, "pythons": pythons}
            for (requirement, failure), pythons in found.items()
        ]
        yield Section(name="corrected-bounds", title="lacks", lines=lines, value=value)


def _is_declared(bound: Requirement, release: Release, python: str) -> bool:
    """Whether the metadata on that Python admits no release that *bound* keeps out."""
    platform = next(platform for platform in release.wheels if python in _pythons_on(release, platform))
    declared = [item for item in _holding(release, platform, python) if canonicalize_name(item.name) == bound.name]
    package = bundled_snapshot().package(bound.name)
    if not declared or package is None:
        return False
    admitted = (version for version in package.versions if all(item.specifier.contains(version) for item in declared))
    return all(bound.specifier.contains(version) for version in admitted)


# --- what was seen -------------------------------------------------------------------------------------------


def verified_closures(release: Release) -> Iterator[Section]:
    """The environments in which it was installed, imported and used."""
    known = closures_of(family_of(release.distribution))
    closures = [closure for closure in known if closure.version == release.version]
    if closures:
        lines = tuple(
            f"Python {closure.python} on {closure.platform}, {closure.observed}: {', '.join(closure.did)}; "
            f"{len(closure.pins)} distributions"
            for closure in closures
        )
        value = [
            {
                "python": closure.python,
                "platform": closure.platform,
                "observed": closure.observed,
                "did": list(closure.did),
                "pins": {name: str(version) for name, version in closure.pins.items()},
            }
            for closure in closures
        ]
        yield Section(name="verified-closures", title="verified", lines=lines, value=value)


# --- what it goes with ---------------------------------------------------------------------------------------


def runs_on(release: Release) -> Iterator[Section]:
    """The TensorFlow lines of what runs on TensorFlow."""
    loaders = [loader for loader in _keras_of(release) if loader.is_separate and loader.runs_on_own_line]
    lines = (release.line,) if loaders else paired_lines(release.distribution, release.version)
    if lines:
        rows = (row for row in pairings_of(release.distribution) if admits(row.releases, str(release.version)))
        built_against = sort_lines(row.built_against for row in rows if row.built_against)
        told = f"; built against {runs_of(built_against)}" if built_against else ""
        value = {"tensorflow": list(lines), "built_against": list(built_against)}
        text = f"TensorFlow {runs_of(sort_lines(lines))}{told}"
        yield Section(name="runs-on", title="runs on", lines=(text,), value=value)


def required_by(release: Release) -> Iterator[Section]:
    """The TensorFlow lines whose Keras it is, where it is none of its own."""
    lines = [line for line in lines_of("tensorflow") if not _keras_of(release) and _is_required_in(line, release)]
    if lines:
        yield Section(name="required-by", title="required by", lines=(f"TensorFlow {runs_of(lines)}",), value=lines)


def _is_required_in(line: str, release: Release) -> bool:
    asked = [facts.keras.requirement for facts in facts_of_line(line)][-1:]
    requirements = [requirement for text in asked if text and (requirement := read_requirement(text))]
    return any(item.name == release.distribution and item.specifier.contains(release.version) for item in requirements)


def _keras_of(release: Release) -> list[Loader]:
    """The Keras that the line of the release is."""
    alike = (loader for loader in keras_loaders() if loader.release.distribution == release.distribution)
    return [loader for loader in alike if loader.line == release.line]


def custom_objects(release: Release) -> Iterator[Section]:
    """The import that makes its layers and other objects known."""
    module = module_of(release.distribution) if release.distribution != "keras" else None
    if module is not None:
        told = f"import {module}, before a model that holds its objects is loaded"
        yield Section(name="custom-objects", title="import", lines=(told,), value={"module": module})


def serialization(release: Release) -> Iterator[Section]:
    """What the Keras of the line writes and knows."""
    for loader in _keras_of(release):
        classes = sum(1 for _ in loader.schema.classes()) if loader.schema else 0
        formats = sorted(loader.writes)
        told = f"{loader.name} saves {', '.join(formats)}; {classes} serializable classes"
        value = {"loader": loader.name, "classes": classes, "writes": formats}
        yield Section(name="serialization", title="formats", lines=(told,), value=value)
