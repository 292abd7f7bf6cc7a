"""All that the database knows of one release, section by section, as a person would want to read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envlock.errors import UsageError
from envlock.knowledge.accelerators import CudaBuild, cuda_for, driver_for, gpus, support_for
from envlock.knowledge.base_images import python_image_for, serving_image_for, tensorflow_image_for
from envlock.knowledge.bounds import bounds_for
from envlock.knowledge.closures import closures_of
from envlock.knowledge.datafiles import data_folder, read_toml
from envlock.knowledge.families import family_of, members_of
from envlock.knowledge.keras_schema import SchemaLine
from envlock.knowledge.loaders import Loader, all_loaders
from envlock.knowledge.operations import registry_of
from envlock.knowledge.pairings import paired_lines, paired_names, release_for_tensorflow
from envlock.knowledge.platform_support import instructions_needed, metal_for, wheel_origin_of
from envlock.knowledge.releases import (
    Release,
    find_release,
    latest_of_line,
    lines_of,
    python_lines_of,
    releases_of,
    sort_lines,
)
from envlock.knowledge.tensorflow_facts import TensorFlowFacts, facts_of
from envlock.knowledge.tpu import libtpu_for, tpu_distribution_for, tpu_generations, tpu_software_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What is known of one side of a release."""

    name: str
    """Key in JSON, kebab-case."""

    title: str
    """As printed."""

    lines: tuple[str, ...]
    """For a person."""

    value: Any
    """For scripts: plain JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Everything known of one release."""

    distribution: str
    version: Version
    title: str
    sections: tuple[Section, ...]


def sheet_of(distribution: str, version: str | None) -> Sheet:
    """The sheet of a release: of exactly *version*, of the last release of a line, or of the newest.

    Raises:
        UsageError: The database has no such distribution or release.
    """
    release = _find(canonicalize_name(distribution), version)
    sections = (section for make in _SECTIONS for section in make(release))
    return Sheet(
        distribution=release.distribution, version=release.version, title=_title(release), sections=tuple(sections)
    )


def _find(distribution: str, version: str | None) -> Release:
    if not releases_of(distribution):
        known = sorted(path.stem for path in (data_folder() / "releases").glob("*.json"))
        raise UsageError(f"nothing is known of {distribution}", hint=f"known are {', '.join(known)}")
    if version is None:
        return releases_of(distribution)[-1]
    try:
        is_line = len(Version(version).release) < 3
    except InvalidVersion:
        raise UsageError(f"{version!r} is not a version", hint="such as 2.3 or 2.3.4") from None
    # Some distributions number their releases like lines.
    exact = find_release(distribution, Version(version))
    found = (latest_of_line(distribution, version) or exact) if is_line else exact
    if found is None:
        raise UsageError(
            f"{distribution} has no release {version}", hint=f"its lines are {', '.join(lines_of(distribution))}"
        )
    return found


def _title(release: Release) -> str:
    yanked = ", yanked" if release.is_yanked else ""
    last = latest_of_line(release.distribution, release.line)
    place = (
        "last of its line" if last is None or last.version == release.version else f"its line ends with {last.version}"
    )
    return f"{release.distribution} {release.version}: released {release.uploaded}{yanked}, {place}"


# --- any distribution ----------------------------------------------------------------------------------------


def _wheels(release: Release) -> Iterator[Section]:
    rows = {platform: list(python_lines_of(release, platform) or tags) for platform, tags in release.wheels.items()}
    if rows:
        lines = tuple(f"{platform}: Python {_ranges(pythons)}" for platform, pythons in rows.items())
        yield Section(name="wheels", title="wheels", lines=lines, value=rows)


def _other_names(release: Release) -> Iterator[Section]:
    family = (name for name in members_of(family_of(release.distribution)) if name != release.distribution)
    members = {name: found.uploaded for name in family if (found := find_release(name, release.version))}
    if members:
        yield Section(name="family", title="also as", lines=(", ".join(members),), value=list(members))


def _requirements(release: Release) -> Iterator[Section]:
    by_platform = {platform: list(texts) for platform, texts in release.requires.items()}
    if not by_platform:
        return
    usual = by_platform.get("linux_x86_64") or next(iter(by_platform.values()))
    lines = [", ".join(_short(text) for text in usual if "extra ==" not in text)]
    others = [platform for platform, texts in by_platform.items() if texts != usual]
    lines += [f"the wheels for {', '.join(others)} declare something else"] if others else []
    yield Section(name="requires", title="declares", lines=tuple(_wrapped(lines)), value=by_platform)


def _short(requirement: str) -> str:
    """As today's tools write it, in one style; what they cannot read stays as it is."""
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:
        return requirement
    return str(parsed)


def _bounds(release: Release) -> Iterator[Section]:
    pythons = sort_lines(line for platform in release.wheels for line in python_lines_of(release, platform))
    titles = {row["id"]: row["title"] for row in read_toml("failures.toml")["failure"]}
    found: dict[str, tuple[str, list[str]]] = {}
    for python in pythons:
        for bound in bounds_for(release.distribution, release.version, python=python):
            found.setdefault(str(bound.requirement), (bound.failure, []))[1].append(python)
    if found:
        lines = tuple(
            f"{requirement} on Python {_ranges(where)}: {titles[failure]} [{failure}]"
            for requirement, (failure, where) in found.items()
        )
        value = [
            {"requirement": requirement, "failure": failure, "pythons": where}
            for requirement, (failure, where) in found.items()
        ]
        yield Section(name="corrected-bounds", title="does not declare", lines=lines, value=value)


def _closures(release: Release) -> Iterator[Section]:
    closures = [closure for closure in closures_of(release.distribution) if closure.version == release.version]
    if closures:
        lines = tuple(
            f"Python {closure.python} on {closure.platform}, {closure.observed}: {len(closure.pins)} distributions, "
            f"{', '.join(closure.did)}"
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


def _loaders(release: Release) -> Iterator[Section]:
    own = [loader for loader in all_loaders() if loader.release.distribution == release.distribution]
    for loader in own:
        if loader.line == release.line and loader.schema is not None:
            yield _schema(loader, loader.schema)


def _schema(loader: Loader, schema: SchemaLine) -> Section:
    classes = list(schema.classes())
    lines = [f"{loader.name}: {len(classes)} serializable classes; writes {', '.join(sorted(loader.writes))}"]
    if loader.is_separate:
        lines.append(f"runs on TensorFlow {_ranges(list(sort_lines(loader.tensorflow)))}")
    value = {
        "loader": loader.name,
        "classes": len(classes),
        "writes": sorted(loader.writes),
        "tensorflow": list(loader.tensorflow),
    }
    return Section(name="serialization", title="Keras", lines=tuple(lines), value=value)


def _runs_on(release: Release) -> Iterator[Section]:
    lines = paired_lines(release.distribution, release.version)
    if lines and release.distribution not in {loader.release.distribution for loader in all_loaders()}:
        told = (f"TensorFlow {_ranges(list(sort_lines(lines)))}",)
        yield Section(name="runs-on", title="runs on", lines=told, value=list(lines))


# --- TensorFlow ----------------------------------------------------------------------------------------------


def _graphs(release: Release) -> Iterator[Section]:
    facts = _facts(release)
    if facts is None:
        return
    dated = f" of {facts.producer_date}" if facts.producer_date else ""
    registry = registry_of(release.line)
    operations = registry.names() if registry else ()
    lines = [
        f"writes producer {facts.producer}{dated}, reads from producer {facts.least_producer} on; "
        f"checkpoint version {facts.checkpoint}",
        f"{len(operations):,} operations registered" if operations else "",
    ]
    value = {
        "producer": facts.producer,
        "producer_date": facts.producer_date,
        "least_producer": facts.least_producer,
        "checkpoint": facts.checkpoint,
        "operations": len(operations),
    }
    yield Section(name="graphs", title="graphs", lines=tuple(filter(None, lines)), value=value)


def _keras_inside(release: Release) -> Iterator[Section]:
    facts = _facts(release)
    if facts is None:
        return
    keras = facts.keras
    told = {
        "bundled": f"brings its own, which writes keras_version {keras.as_installed} as installed",
        "external": f"requires {keras.requirement}, and writes the version of that",
        "none": "none",
    }[keras.kind]
    others = sorted(keras.versions - {keras.as_installed})
    told += f" ({', '.join(others)} where TF2 behaviour is switched)" if others else ""
    value = {
        "kind": keras.kind,
        "versions": sorted(keras.versions),
        "as_installed": keras.as_installed,
        "requirement": str(keras.requirement) if keras.requirement else None,
    }
    yield Section(name="keras-inside", title="its Keras", lines=(told,), value=value)


def _protobuf(release: Release) -> Iterator[Section]:
    facts = _facts(release)
    if facts is None:
        return
    told = {
        "builder": "modules for protobuf 3.20 and newer",
        "runtime_checked": f"modules that refuse protobuf older than {facts.least_protobuf}",
    }.get(facts.message_style, "modules that need protobuf below 3.21, or its pure Python implementation")
    value = {"built_with": facts.protobuf, "style": facts.message_style, "least": facts.least_protobuf}
    yield Section(name="protobuf", title="protobuf", lines=(f"built with {facts.protobuf}; {told}",), value=value)


def _facts(release: Release) -> TensorFlowFacts | None:
    is_tensorflow = release.distribution in members_of("tensorflow")
    return facts_of(release.version) if is_tensorflow else None


def _cuda(release: Release) -> Iterator[Section]:
    build = cuda_for(release.version) if _facts(release) else None
    if build is None:
        return
    driver = driver_for(build.cuda, "linux")
    distribution = build.distributions[0] + (f"[{build.extra}]" if build.extra else "")
    lines = [
        f"{distribution}: CUDA {build.cuda}, cuDNN {build.cudnn}, driver {driver.to_run} or newer",
        f"machine code for {', '.join(build.capabilities) or 'unknown GPUs'}"
        + (f", PTX for {build.ptx}" if build.ptx else ""),
        *_architectures(build),
    ]
    value = {
        "distributions": list(build.distributions),
        "extra": build.extra,
        "cuda": build.cuda,
        "cudnn": build.cudnn,
        "driver": driver.to_run,
        "capabilities": list(build.capabilities),
        "ptx": build.ptx,
        "gpus": {gpu.capability: support_for(build, gpu.capability) for gpu in gpus()},
    }
    yield Section(name="cuda", title="NVIDIA GPUs", lines=tuple(lines), value=value)


def _architectures(build: CudaBuild) -> Iterator[str]:
    """Which GPUs it runs on, one line for each way."""
    by_support: dict[str, list[str]] = {}
    for gpu in gpus():
        by_support.setdefault(support_for(build, gpu.capability), []).append(f"{gpu.architecture} {gpu.capability}")
    told = {"native": "runs on", "compiled": "compiles first on", "none": "does not run on", "unknown": "unknown on"}
    for support, label in told.items():
        if support in by_support:
            yield f"{label} {', '.join(by_support[support])}"


def _platforms(release: Release) -> Iterator[Section]:
    if _facts(release) is None:
        return
    origins = {platform: wheel_origin_of(release.version, platform) for platform in _PLATFORMS}
    lines = []
    for platform, origin in origins.items():
        if origin is not None:
            system = (
                f", {'glibc' if 'linux' in platform else 'macOS'} {origin.system} or newer" if origin.system else ""
            )
            instructions = sorted(instructions_needed(release.version, platform))
            needs = f", needs {', '.join(instructions)}" if instructions else ""
            lines.append(f"{platform}: {origin.carried_by}{system}{needs}")
    metal = metal_for(release.version)
    lines += [f"GPUs of Macs: {metal}"] if metal else []
    value = {
        platform: {
            "carried_by": origin.carried_by,
            "system": origin.system,
            "instructions": sorted(instructions_needed(release.version, platform)),
        }
        for platform, origin in origins.items()
        if origin is not None
    }
    yield Section(name="platforms", title="platforms", lines=tuple(lines), value=value)


_PLATFORMS = ("linux_x86_64", "linux_aarch64", "macos_x86_64", "macos_arm64", "win_amd64")


def _tpu(release: Release) -> Iterator[Section]:
    if _facts(release) is None:
        return
    runtimes = {name: found for name in tpu_generations() if (found := tpu_software_for(release.version, name))}
    distribution, libtpu = tpu_distribution_for(release.version), libtpu_for(release.version)
    lines = [f"{', '.join(names)}: TPU software {software}" for software, names in _inverted(runtimes).items()]
    lines += [f"libtpu {libtpu}"] if libtpu else []
    lines += [f"as a wheel: {distribution.requirement} with {distribution.libtpu}"] if distribution else []
    if lines:
        value = {
            "software": runtimes,
            "libtpu": libtpu,
            "distribution": str(distribution.requirement) if distribution else None,
        }
        yield Section(name="tpu", title="TPUs", lines=tuple(lines), value=value)


def _inverted(names: dict[str, str]) -> dict[str, list[str]]:
    by_value: dict[str, list[str]] = {}
    for name, value in names.items():
        by_value.setdefault(value, []).append(name)
    return by_value


def _add_ons(release: Release) -> Iterator[Section]:
    if _facts(release) is None:
        return
    found = {name: release_for_tensorflow(name, release.line) for name in paired_names()}
    value = {name: str(item.version) for name, item in sorted(found.items()) if item is not None}
    if value:
        lines = tuple(_wrapped([", ".join(f"{name} {version}" for name, version in value.items())]))
        yield Section(name="add-ons", title="goes with", lines=lines, value=value)


def _images(release: Release) -> Iterator[Section]:
    if _facts(release) is None:
        return
    images = {device: tensorflow_image_for(release.version, device=device) for device in ("cpu", "cuda")}
    pythons = python_lines_of(release, "linux_x86_64")
    slim = python_image_for(pythons[-1]) if pythons else None
    named = [image.reference for image in images.values() if image] + ([slim.reference] if slim else [])
    serving = serving_image_for(release.version)
    lines = [", ".join(dict.fromkeys(named)), f"serving: {serving}"]
    value = {"tensorflow": named, "serving": serving}
    yield Section(name="images", title="base images", lines=tuple(filter(None, lines)), value=value)


_SECTIONS: tuple[Callable[[Release], Iterator[Section]], ...] = (
    _wheels,
    _other_names,
    _requirements,
    _bounds,
    _closures,
    _runs_on,
    _loaders,
    _keras_inside,
    _graphs,
    _protobuf,
    _platforms,
    _cuda,
    _tpu,
    _add_ons,
    _images,
)
"""What makes each section, in the order of the sheet; one that does not apply makes none."""


# --- words ---------------------------------------------------------------------------------------------------

_WIDTH = 96


def _wrapped(texts: list[str]) -> Iterator[str]:
    """Lines of at most :data:`_WIDTH` characters, broken behind commas."""
    for text in texts:
        line = ""
        for part in text.split(", "):
            if line and len(line) + len(part) + 2 > _WIDTH:
                yield line + ","
                line = part
            else:
                line = f"{line}, {part}" if line else part
        yield line


def _ranges(lines: list[str]) -> str:
    """Lines of one major version shortened where they follow each other: ``3.6 to 3.9``."""
    runs: list[list[str]] = []
    for line in lines:
        if runs and _follows(runs[-1][-1], line):
            runs[-1].append(line)
        else:
            runs.append([line])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


def _follows(line: str, other: str) -> bool:
    (major, _, minor), (other_major, _, other_minor) = line.partition("."), other.partition(".")
    return major == other_major and minor.isdecimal() and other_minor.isdecimal() and int(other_minor) == int(minor) + 1
