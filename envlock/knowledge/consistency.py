"""Whether the tables agree with themselves and with each other.

Each check takes nothing, reads the tables through the views that everything else reads them through, and yields what
is wrong. A database without problems is what ``envlock db check`` and the tests ask for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from math import inf
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from envlock.knowledge.accelerators import CudaBuild, cuda_for
from envlock.knowledge.base_images import python_image_for
from envlock.knowledge.bounds import bounds_for
from envlock.knowledge.datafiles import read_json, read_toml, table_names
from envlock.knowledge.failures import ABSENT, FIX_KINDS, RANKS, STAGES, all_failures, needle_of
from envlock.knowledge.families import family_of
from envlock.knowledge.keras_schema import LINEAGES, lines_with_schema
from envlock.knowledge.load_rules import load_rules
from envlock.knowledge.loaders import all_loaders
from envlock.knowledge.operations import is_known_operation
from envlock.knowledge.releases import (
    Release,
    latest_of_line,
    lines_of,
    python_lines_of,
    releases_of,
    sort_lines,
)
from envlock.knowledge.requirements import read_requirement
from envlock.knowledge.snapshot import SnapshotFile, bundled_snapshot
from envlock.knowledge.specifiers import admits
from envlock.knowledge.tables import cited, curated_rows, generated_header
from envlock.knowledge.tensorflow_facts import GpuBuild, facts_of
from envlock.knowledge.tpu import tpu_generations
from envlock.target import LINUX_X86_64, PLATFORMS, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A contradiction, or a gap, in the tables."""

    table: str
    message: str


def find_problems() -> tuple[Problem, ...]:
    """Every problem that any check finds, in the order of :data:`CHECKS`."""
    return tuple(problem for check in CHECKS for problem in check())


# --- sources -------------------------------------------------------------------------------------------------


def _rows_cite_sources() -> Iterator[Problem]:
    sources = read_toml("sources.toml")
    for name in _curated():
        for row in curated_rows(name):
            unknown = [source for source in cited(row) if source not in sources]
            if unknown:
                yield Problem(table=name, message=f"a row cites {', '.join(unknown)}, which sources.toml lacks")
            elif not cited(row):
                yield Problem(table=name, message=f"a row cites no source: {row}")


def _generated_tables_have_an_origin() -> Iterator[Problem]:
    sources = read_toml("sources.toml")
    for name in table_names():
        if name.endswith(".toml"):
            continue
        header = generated_header(name)
        missing = [key for key in ("generator", "source", "rows") if header.get(key) in {None, ""}]
        if missing:
            yield Problem(table=name, message=f"its head lacks {', '.join(missing)}")
        elif any(source not in sources for source in cited(header)):
            yield Problem(table=name, message=f"cites {header['source']!r}, which sources.toml lacks")


def _sources_are_cited() -> Iterator[Problem]:
    generated = (name for name in table_names() if not name.endswith(".toml"))
    used = {source for name in _curated() for row in curated_rows(name) for source in cited(row)}
    used |= {source for name in generated for source in cited(generated_header(name))}
    for source in read_toml("sources.toml").keys() - used:
        yield Problem(table="sources.toml", message=f"{source} is cited by no row")


# --- ranges --------------------------------------------------------------------------------------------------

_RANGE_KEYS = frozenset({"releases", "tensorflow", "python", "keras", "lines"})


def _ranges_are_ranges() -> Iterator[Problem]:
    for name in _curated():
        for row in curated_rows(name):
            for key in _RANGE_KEYS & row.keys():
                if isinstance(row[key], str) and (problem := _problem_of_range(row[key])):
                    yield Problem(table=name, message=f"{key} = {row[key]!r}: {problem}")


def _problem_of_range(text: str) -> str:
    """What is wrong with a specifier that is to be a range; empty where nothing is."""
    try:
        bounds = list(SpecifierSet(text))
    except InvalidSpecifier:
        # A plain version or line where the source speaks of one; a word where there is nothing to range over.
        return "" if re.fullmatch(r"\d+(\.\d+)*|\w[\w-]*", text) else "neither a range nor a version"
    lower = [Version(item.version) for item in bounds if item.operator in {">=", ">"}]
    upper = [Version(item.version) for item in bounds if item.operator in {"<", "<="}]
    return "ends before it begins" if lower and upper and max(lower) > min(upper) else ""


# --- bounds and failures -------------------------------------------------------------------------------------


def _bounds_can_be_met() -> Iterator[Problem]:
    failures = {row["id"] for row in read_toml("failures.toml")["failure"]}
    for row in read_toml("bounds.toml")["bound"]:
        covered = SpecifierSet(row["releases"])
        requirement = Requirement(row["requirement"])
        package = bundled_snapshot().package(requirement.name)
        if not any(release.version in covered for release in releases_of(family_of(row["distribution"]))):
            yield Problem(table="bounds.toml", message=f"no release of {row['distribution']} is {covered}")
        if package is None:
            yield Problem(table="bounds.toml", message=f"{requirement}: the snapshot has no {requirement.name}")
        elif not any(requirement.specifier.contains(version) for version in package.versions):
            yield Problem(table="bounds.toml", message=f"no release satisfies {requirement}")
        if row["failure"] not in failures:
            yield Problem(table="bounds.toml", message=f"{requirement}: there is no failure {row['failure']}")


def _failures_can_be_recognised() -> Iterator[Problem]:
    for row in read_toml("failures.toml")["failure"]:
        for pattern in row["error"]:
            if problem := _problem_of_pattern(pattern):
                yield Problem(table="failures.toml", message=f"{row['id']}: {pattern!r}: {problem}")
        if not row["error"] and not row.get("is_conflict"):
            yield Problem(table="failures.toml", message=f"{row['id']}: neither an error nor a conflict tells it")


_LEAST_NEEDLE = 6
"""Characters by which a pattern is looked for: with fewer, it is tried nearly everywhere."""


def _problem_of_pattern(pattern: str) -> str:
    """What is wrong with a regular expression that is to read text of unknown origin; empty where nothing is."""
    try:
        re.compile(pattern)
    except re.error as error:
        return str(error)
    if len(needle_of(pattern)) < _LEAST_NEEDLE:
        return "there is no text by which to look for it"
    if re.search(r"(?:(?<!\\)\.|\[\^[^]]*\]|\\[SDW])[*+]", pattern):
        return "matches any number of nearly any character"
    return ""


def _failures_are_of_known_kinds() -> Iterator[Problem]:
    identifiers: set[str] = set()
    for item in all_failures():
        allowed = {item.stage: STAGES, item.rank: RANKS, **{fix.kind: FIX_KINDS for fix in item.fixes}}
        for value, kinds in allowed.items():
            if value not in kinds:
                yield Problem(table="failures.toml", message=f"{item.id}: {value} is none of {', '.join(kinds)}")
        if item.id in identifiers:
            yield Problem(table="failures.toml", message=f"{item.id} stands there twice")
        identifiers.add(item.id)
        if item.is_conflict and not item.when:
            yield Problem(table="failures.toml", message=f"{item.id}: nothing says which releases are in conflict")


def _failures_name_releases() -> Iterator[Problem]:
    for item in all_failures():
        for conditions in (*item.when, *(fix.when for fix in item.fixes)):
            for name, specifier in conditions.items():
                if specifier != ABSENT and read_requirement(f"{name} {specifier}") is None:
                    yield Problem(table="failures.toml", message=f"{item.id}: {name} {specifier} is no requirement")
        for fix in item.fixes:
            if fix.kind == "constraint" and not any(map(_can_be_met, _lines_filled_in(fix.value))):
                yield Problem(table="failures.toml", message=f"{item.id}: no release satisfies {fix.value}")


def _lines_filled_in(text: str) -> Iterator[str]:
    """A requirement with each line of TensorFlow where it speaks of one; itself where it does not."""
    return (text.format(line=line) for line in (lines_of("tensorflow") if "{line}" in text else ("",)))


def _can_be_met(text: str) -> bool:
    requirement = read_requirement(text)
    if requirement is None:
        return False
    package = bundled_snapshot().package(canonicalize_name(requirement.name))
    return package is None or any(requirement.specifier.contains(item) for item in package.versions)


# --- lines ---------------------------------------------------------------------------------------------------


def _loaders_have_a_python() -> Iterator[Problem]:
    for loader in all_loaders():
        if not loader.tensorflow:
            yield Problem(table="implementations.toml", message=f"{loader.name} runs on no TensorFlow line")
        schema = loader.schema
        if schema and schema.lineage in LINEAGES and schema.line not in lines_with_schema(schema.lineage):
            yield Problem(table="keras_schema/", message=f"{schema.lineage} has no line {schema.line}")
        for line in loader.tensorflow:
            release = latest_of_line("tensorflow", line)
            if release is None or not python_lines_of(release, LINUX_X86_64.name):
                yield Problem(table="snapshot/", message=f"TensorFlow {line}, which runs {loader.name}, has no Python")


def _formats_are_those_of_loaders() -> Iterator[Problem]:
    for row in read_toml("implementations.toml")["implementation"]:
        table = "implementations.toml"
        if row.get("schema", LINEAGES[0]) not in LINEAGES:
            yield Problem(table=table, message=f"{row['name']}: there is no keras_schema/{row['schema']}.json")
        for name, lines in row.get("writes_in", {}).items():
            if name not in row["writes"]:
                yield Problem(table=table, message=f"{row['name']}: writes_in has {name}, which writes lacks")
            if not any(admits(lines, loader.line) for loader in all_loaders() if loader.implementation == row["name"]):
                yield Problem(table=table, message=f"{row['name']}: no line of it is {lines}")


def _load_rules_name_loaders() -> Iterator[Problem]:
    lines_by_name: dict[str, list[str]] = {}
    for loader in all_loaders():
        lines_by_name.setdefault(loader.implementation, []).append(loader.line)
    for rule in load_rules():
        for name, lines in [*(rule.readers or rule.fails_in).items(), *(rule.saver or {}).items()]:
            if not any(admits(lines, line) for line in lines_by_name.get(name, ())):
                yield Problem(table="load_rules.toml", message=f"{rule.reference}: {name} has no line {lines}")


def _releases_have_facts() -> Iterator[Problem]:
    for release in releases_of("tensorflow"):
        if facts_of(release.version) is None:
            yield Problem(table="tensorflow.json", message=f"nothing is known of {release.version}")


def _facts_are_what_is_declared() -> Iterator[Problem]:
    for release in releases_of("tensorflow"):
        facts = facts_of(release.version)
        texts = release.requires.get(LINUX_X86_64.name, release.requires.get("*", ()))
        asked = facts.keras.requirement if facts else None
        if asked is not None and Requirement(asked) not in _requirements(texts):
            yield Problem(table="tensorflow.json", message=f"{release.version} does not declare {asked}")


def _operations_reach_the_newest_line() -> Iterator[Problem]:
    newest = read_json("operations.json")["packages"]["core"]["versions"][-1]
    if newest not in lines_of("tensorflow")[-1:] and not newest.startswith(lines_of("tensorflow")[-1]):
        yield Problem(table="operations.json", message=f"ends with {newest}, before the newest TensorFlow")


def _operations_with_effects_are_known() -> Iterator[Problem]:
    for name in chain.from_iterable(row["names"] for row in read_toml("operations_with_effects.toml")["operations"]):
        if not is_known_operation(name):
            yield Problem(table="operations_with_effects.toml", message=f"nothing is known to register {name}")


# --- ranges that cover the releases --------------------------------------------------------------------------


_FIRST = Version("1.4")
"""The first TensorFlow that environments are made for."""


def _releases_served() -> Iterator[Release]:
    return (release for release in releases_of("tensorflow") if release.version >= _FIRST)


def _wheels_have_one_origin() -> Iterator[Problem]:
    for release in _releases_served():
        for platform in release.wheels:
            rows = [row for row in _rows_of("platforms.toml", "wheel", release) if row["platform"] == platform]
            if len(rows) != 1:
                yield Problem(
                    table="platforms.toml", message=f"{len(rows)} rows for wheels of {release.version} on {platform}"
                )


def _builds_are_those_of_the_wheels() -> Iterator[Problem]:
    for release in _releases_served():
        rows = _rows_of("accelerators.toml", "build", release)
        if len(rows) != 1:
            yield Problem(table="accelerators.toml", message=f"{len(rows)} builds for {release.version}")
        for row in rows:
            if not any(driver["cuda"] == row["cuda"] for driver in read_toml("accelerators.toml")["driver"]):
                yield Problem(table="accelerators.toml", message=f"no driver is known for CUDA {row['cuda']}")
        build, facts = cuda_for(release.version), facts_of(release.version)
        if build is not None and facts is not None and facts.gpu is not None:
            for name, told, found in _differences(build, facts.gpu):
                message = f"{release.version}: {name} {told}, and {found} in the wheel"
                yield Problem(table="accelerators.toml", message=message)


def _differences(build: CudaBuild, wheel: GpuBuild) -> Iterator[tuple[str, str, str]]:
    """Name, listed value and value in the wheel of what the table has otherwise than the wheel."""
    if Version(build.cuda).release != Version(wheel.cuda).release[:2]:
        yield "CUDA", build.cuda, wheel.cuda
    if Version(build.cudnn).major != Version(wheel.cudnn).major:
        yield "cuDNN", build.cudnn, wheel.cudnn
    if build.capabilities != wheel.capabilities:
        yield "capabilities", ", ".join(build.capabilities), ", ".join(wheel.capabilities)
    if wheel.distribution not in build.distributions:
        yield "distributions", ", ".join(build.distributions), wheel.distribution


def _releases_have_one_row_at_most() -> Iterator[Problem]:
    for release in _releases_served():
        for table, kind, key in (("platforms.toml", "metal", "tensorflow"), ("tpu.toml", "distribution", "tensorflow")):
            if len(_rows_of(table, kind, release, key)) > 1:
                yield Problem(table=table, message=f"several rows of {kind} for {release.version}")
        for generation in tpu_generations():
            rows = _rows_of("tpu.toml", "generation", release, "tensorflow")
            if sum(generation in row["generations"] for row in rows) > 1:
                yield Problem(
                    table="tpu.toml", message=f"several names of TPU software for {release.version} on {generation}"
                )
        for device in ("cpu", "cuda"):
            rows = _rows_of("base_images.toml", "tensorflow", release)
            if sum(device in row.get("devices", (device,)) for row in rows) > 1:
                yield Problem(table="base_images.toml", message=f"several images of {release.version} for {device}")


def _pythons_have_an_image() -> Iterator[Problem]:
    newest = {python_lines_of(release, LINUX_X86_64.name)[-1] for release in _releases_served()}
    for line in sort_lines(newest):
        if python_image_for(line) is None:
            yield Problem(table="base_images.toml", message=f"there is no image of Python {line}")


def _rows_of(table: str, kind: str, release: Release, key: str = "releases") -> list[dict[str, Any]]:
    """The rows of a table whose range, under *key*, admits the release."""
    return [row for row in read_toml(table)[kind] if key in row and admits(row[key], str(release.version))]


# --- snapshot ------------------------------------------------------------------------------------------------


def _snapshot_rows_are_whole() -> Iterator[Problem]:
    snapshot = bundled_snapshot()
    for name in snapshot.names():
        package = snapshot.package(name)
        if package is None:
            continue
        table = f"snapshot/{name}.jsonl"
        if package.header["rows"] != len(package.versions):
            yield Problem(
                table=table, message=f"{package.header['rows']} rows announced, {len(package.versions)} there"
            )
        if list(package.versions) != sorted(package.versions):
            yield Problem(table=table, message="the releases are not in order")
        for version in package.versions:
            for file in package.files(version):
                if not re.fullmatch(r"[0-9a-f]{64}", file.sha256):
                    yield Problem(table=table, message=f"{file.name} has no SHA-256")


def _snapshot_has_what_it_requires() -> Iterator[Problem]:
    """What is required under a condition may be left out: of some targets no lock was made."""
    known = set(bundled_snapshot().names())
    for name in sorted(known):
        package = bundled_snapshot().package(name)
        texts = chain.from_iterable(package.header["requires"]) if package else ()
        required = {canonicalize_name(item.name) for item in _requirements(texts) if item.marker is None}
        for lacking in sorted(required - known):
            yield Problem(table=f"snapshot/{name}.jsonl", message=f"the snapshot has no {lacking}, which it requires")


def _releases_are_those_of_the_snapshot() -> Iterator[Problem]:
    for name in bundled_snapshot().names():
        package = bundled_snapshot().package(name)
        for release in releases_of(name):
            if package is None or release.version not in package.versions:
                continue
            uploaded = package.uploaded(release.version).partition("T")[0]
            # What was needed of a release may have come out some days after its first file.
            is_possible = uploaded == release.uploaded if package.is_complete else uploaded >= release.uploaded
            is_possible |= not uploaded
            if not is_possible:
                message = f"{name} {release.version} of {release.uploaded} is of {uploaded} in the snapshot"
                yield Problem(table=f"releases/{name}.json", message=message)


# --- closures ------------------------------------------------------------------------------------------------


_FAILED = "closures/failed.json"


def _closures_satisfy_what_is_known() -> Iterator[Problem]:
    for name in _generated_in("closures/"):
        for row in read_json(name)["closures"] if name != _FAILED else ():
            yield from (Problem(table=name, message=f"{_told(row)}: {message}") for message in _contradictions(row))


def _failures_are_explained() -> Iterator[Problem]:
    for row in read_json(_FAILED)["closures"] if _FAILED in table_names() else ():
        if not row.get("reason"):
            yield Problem(table=_FAILED, message=f"{_told(row)}: no reason is given")


def _told(row: dict[str, Any]) -> str:
    return f"{row['subject']} {row['version']} on Python {row['python']}"


def _contradictions(row: dict[str, Any]) -> Iterator[str]:
    pins = {name: Version(text) for name, text in row["pins"].items()}
    target = Target(python=row["python"], platform=_PLATFORMS[row["platform"]])
    for name, version in pins.items():
        package = bundled_snapshot().package(name)
        if package is None or version not in package.versions:
            yield f"the snapshot has no {name} {version}"
            continue
        for requirement in _requirements_of(name, version, target):
            pinned = pins.get(canonicalize_name(requirement.name))
            if pinned is None:
                yield f"{name} requires {requirement.name}, which is not there"
            elif not requirement.specifier.contains(pinned, prereleases=True):
                yield f"{requirement.name} {pinned} is against {requirement} of {name}"
        for bound in bounds_for(name, version, python=target.python):
            pinned = pins.get(bound.requirement.name)
            if pinned is not None and not bound.requirement.specifier.contains(pinned, prereleases=True):
                yield f"{bound.requirement.name} {pinned} is against the bound {bound.requirement}"


_PLATFORMS = {platform.name: platform for platform in PLATFORMS}


@cache
def _requirements_of(name: str, version: Version, target: Target) -> tuple[Requirement, ...]:
    """What holds of the metadata of the wheel that *target* gets, else of the source distribution."""
    package = bundled_snapshot().package(name)
    files = package.files(version) if package else ()
    best = min(files, key=lambda file: _rank(file, target), default=None)
    declared = _requirements((best.requires if best else None) or ())
    environment = target.marker_environment
    return tuple(item for item in declared if item.marker is None or item.marker.evaluate(environment))


def _rank(file: SnapshotFile, target: Target) -> float:
    if not file.is_wheel:
        return 1e6
    tags, ranks = parse_wheel_filename(file.name)[3], target.wheel_tags()
    return min((ranks.get((tag.interpreter, tag.abi, tag.platform), inf) for tag in tags), default=inf)


def _requirements(texts: Iterable[str]) -> Iterator[Requirement]:
    """Those that today's tools can read: the others ask for nothing."""
    return (requirement for requirement in map(read_requirement, texts) if requirement is not None)


# --- pairings ------------------------------------------------------------------------------------------------


def _pairings_name_releases() -> Iterator[Problem]:
    for row in read_toml("pairings.toml")["pairing"]:
        try:
            covered = SpecifierSet(row["releases"])
        except (InvalidSpecifier, InvalidRequirement) as error:
            yield Problem(table="pairings.toml", message=str(error))
            continue
        known = releases_of(row["distribution"])
        if known and not any(covered.contains(release.version, prereleases=True) for release in known):
            yield Problem(table="pairings.toml", message=f"no release of {row['distribution']} is {covered}")


# --- custom objects ------------------------------------------------------------------------------------------


def _custom_objects_have_a_provider() -> Iterator[Problem]:
    curated = {row["distribution"]: row for row in read_toml("custom_objects.toml")["provider"]}
    table = read_json("custom_objects.json")
    found = {row[0] for kind in ("objects", "homonyms") for rows in table[kind].values() for row in rows}
    for distribution in sorted(found - curated.keys()):
        yield Problem(table="custom_objects.json", message=f"custom_objects.toml has no {distribution}")
    for distribution, row in curated.items():
        if not {"objects", "packages"} & row.keys() and distribution not in found:
            yield Problem(table="custom_objects.toml", message=f"{distribution} brings nothing")
        # The generated table repeats what a look-up needs; the order is that of preference in both.
        repeated = table["providers"].get(distribution, {"distribution": None})
        if any(row.get(key) != value for key, value in repeated.items()):
            yield Problem(
                table="custom_objects.json", message=f"{distribution} is told otherwise in custom_objects.toml"
            )
    if list(table["providers"]) != list(curated):
        yield Problem(table="custom_objects.json", message="the order of custom_objects.toml is another one")


def _curated() -> Iterator[str]:
    return (name for name in table_names() if name.endswith(".toml") and name != "sources.toml")


def _generated_in(folder: str) -> Iterator[str]:
    return (name for name in table_names() if name.startswith(folder) and name.endswith(".json"))


CHECKS: tuple[Callable[[], Iterator[Problem]], ...] = (
    _rows_cite_sources,
    _generated_tables_have_an_origin,
    _sources_are_cited,
    _ranges_are_ranges,
    _bounds_can_be_met,
    _failures_can_be_recognised,
    _failures_are_of_known_kinds,
    _failures_name_releases,
    _loaders_have_a_python,
    _formats_are_those_of_loaders,
    _load_rules_name_loaders,
    _releases_have_facts,
    _facts_are_what_is_declared,
    _operations_reach_the_newest_line,
    _operations_with_effects_are_known,
    _wheels_have_one_origin,
    _builds_are_those_of_the_wheels,
    _releases_have_one_row_at_most,
    _pythons_have_an_image,
    _snapshot_rows_are_whole,
    _snapshot_has_what_it_requires,
    _releases_are_those_of_the_snapshot,
    _closures_satisfy_what_is_known,
    _failures_are_explained,
    _pairings_name_releases,
    _custom_objects_have_a_provider,
)
"""Every check; a new table gets one here."""
