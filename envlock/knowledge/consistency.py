"""Whether the tables agree with themselves and with each other.

Each check takes nothing, reads the tables through the views that everything else reads them through, and yields what
is wrong. A database without problems is what ``envlock db check`` and the tests ask for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from envlock.knowledge.bounds import bounds_for
from envlock.knowledge.datafiles import read_json, read_toml, table_names
from envlock.knowledge.families import family_of
from envlock.knowledge.keras_schema import lines_with_schema
from envlock.knowledge.loaders import all_loaders
from envlock.knowledge.releases import latest_of_line, lines_of, python_lines_of, releases_of
from envlock.knowledge.snapshot import bundled_snapshot
from envlock.knowledge.tables import cited, curated_rows, generated_header
from envlock.knowledge.tensorflow_facts import facts_of
from envlock.target import LINUX_X86_64


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
        missing = [key for key in ("generator", "source", "rows") if not header.get(key)]
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
        if package is None or not any(requirement.specifier.contains(version) for version in package.versions):
            yield Problem(table="bounds.toml", message=f"no release satisfies {requirement}")
        if row["failure"] not in failures:
            yield Problem(table="bounds.toml", message=f"{requirement}: there is no failure {row['failure']}")


def _failures_can_be_recognised() -> Iterator[Problem]:
    for row in read_toml("failures.toml")["failure"]:
        for pattern in row["error"]:
            try:
                re.compile(pattern)
            except re.error as error:
                yield Problem(table="failures.toml", message=f"{row['id']}: {pattern!r}: {error}")


# --- lines ---------------------------------------------------------------------------------------------------


def _loaders_have_a_python() -> Iterator[Problem]:
    for loader in all_loaders():
        if not loader.tensorflow:
            yield Problem(table="implementations.toml", message=f"{loader.name} runs on no TensorFlow line")
        if loader.schema is not None and loader.line not in lines_with_schema(loader.schema.lineage):
            yield Problem(table="keras_schema/", message=f"{loader.schema.lineage} has no line {loader.line}")
        for line in loader.tensorflow:
            release = latest_of_line("tensorflow", line)
            if release is None or not python_lines_of(release, LINUX_X86_64.name):
                yield Problem(table="snapshot/", message=f"TensorFlow {line}, which runs {loader.name}, has no Python")


def _releases_have_facts() -> Iterator[Problem]:
    for release in releases_of("tensorflow"):
        if facts_of(release.version) is None:
            yield Problem(table="tensorflow.json", message=f"nothing is known of {release.version}")


def _operations_reach_the_newest_line() -> Iterator[Problem]:
    newest = read_json("operations.json")["packages"]["core"]["versions"][-1]
    if newest not in lines_of("tensorflow")[-1:] and not newest.startswith(lines_of("tensorflow")[-1]):
        yield Problem(table="operations.json", message=f"ends with {newest}, before the newest TensorFlow")


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


# --- closures ------------------------------------------------------------------------------------------------


def _closures_satisfy_what_is_known() -> Iterator[Problem]:
    for name in _generated_in("closures/"):
        for row in read_json(name)["closures"]:
            yield from (Problem(table=name, message=message) for message in _contradictions(row))


def _contradictions(row: dict[str, object]) -> Iterator[str]:
    pins = row["pins"]
    assert isinstance(pins, dict)  # noqa: S101 - a table of our own, checked by its writer
    python = str(row["python"])
    told = f"{row['subject']} {row['version']} on Python {python}"
    for distribution, text in pins.items():
        package, version = bundled_snapshot().package(distribution), Version(text)
        if package is None or version not in package.versions:
            yield f"{told}: the snapshot has no {distribution} {text}"
        for bound in bounds_for(distribution, version, python=python):
            pinned = pins.get(bound.requirement.name)
            if pinned is not None and not bound.requirement.specifier.contains(pinned, prereleases=True):
                yield f"{told}: {bound.requirement.name} {pinned} is against the bound {bound.requirement}"


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
    _loaders_have_a_python,
    _releases_have_facts,
    _operations_reach_the_newest_line,
    _snapshot_rows_are_whole,
    _closures_satisfy_what_is_known,
    _pairings_name_releases,
)
"""Every check; a new table gets one here."""
