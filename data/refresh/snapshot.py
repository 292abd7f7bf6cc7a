"""Rewrite ``data/snapshot/``: what the package index has of the TensorFlow family and of all that it may require.

    python data/refresh/snapshot.py FOLDER [--only NAME ...] [--data DIR] [--allow-fewer]

Starts from the distributions of ``data/snapshot_roots.toml`` and follows the requirements of their final releases, as
far as they hold on a platform and a Python of the database. The index is the one that uv is configured to use. A
release has one metadata for each platform family and Python major; it is read from one wheel (from the sdist where
there is no wheel). What was fetched is kept in FOLDER under the file's SHA-256: a later run fetches only what is new.
At most eight requests are under way at a time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from options import harvester_parser
from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version
from snapshot_tables import ListedFile, Metadata, write_snapshot
from tables import read_toml

from envlock.package_index import AbsentFromIndexError, IndexFile, MetadataUnavailableError, PackageIndex
from envlock.uv_process import index_address

GENERATOR = "data/refresh/snapshot.py"

_MOST_CONNECTIONS = 8

# Where a requirement may hold: (sys_platform, platform_system, os_name, platform_machine) of the platforms.
_PLATFORMS = (
    ("linux", "Linux", "posix", "x86_64"),
    ("linux", "Linux", "posix", "aarch64"),
    ("darwin", "Darwin", "posix", "x86_64"),
    ("darwin", "Darwin", "posix", "arm64"),
    ("win32", "Windows", "nt", "AMD64"),
)


def main() -> None:
    options = _read_options()
    roots = read_toml(options.data / "snapshot_roots.toml")
    started = time.monotonic()
    with PackageIndex(index_address()) as index, ThreadPoolExecutor(_MOST_CONNECTIONS) as pool:
        harvest = Harvest(index, pool, options.folder, **roots["scope"])
        if options.only:
            harvest.add(options.only)
        else:
            harvest.follow(roots["root"])
    for package in harvest.packages.values():
        if package.releases:
            write_snapshot(
                options.data / "snapshot",
                package.name,
                {version: _listed(package, files) for version, files in package.releases.items()},
                generator=GENERATOR,
                is_complete=True,
                allow_fewer=options.allow_fewer,
            )
    for remark in sorted(set(harvest.remarks)):
        print(remark, file=sys.stderr)
    rows = [len(package.releases) for package in harvest.packages.values() if package.releases]
    print(
        f"{len(rows)} distributions, {sum(rows)} releases; "
        f"{index.requests} requests, {index.bytes} bytes, {time.monotonic() - started:.0f} seconds",
        file=sys.stderr,
    )


def _read_options() -> argparse.Namespace:
    parser = harvester_parser(__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these distributions, without what they require")
    return parser.parse_args()


def _listed(package: Package, files: Iterable[IndexFile]) -> Iterator[ListedFile]:
    for file in files:
        yield ListedFile(
            name=file.name,
            uploaded=str(file.uploaded),
            sha256=str(file.sha256),
            size=file.size,
            requires_python=file.requires_python,
            declares=package.metadata[file.name],
            yanked=file.yanked,
        )


# --- harvest -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """The releases of one distribution, oldest first; each with its files by name, and what these declare."""

    name: str
    releases: Mapping[Version, list[IndexFile]]
    metadata: Mapping[str, Metadata | None]
    """File name to its metadata: None where it is unknown."""


class Harvest:
    """Distributions read so far, and what was odd about them."""

    def __init__(
        self, index: PackageIndex, pool: ThreadPoolExecutor, cache: Path, *, pythons: list[str], pre_releases: list[str]
    ) -> None:
        self._index, self._pool, self._cache = index, pool, cache
        self._environments = tuple(_environments(pythons))
        self._early = frozenset(pre_releases)
        self.packages: dict[str, Package] = {}
        self.remarks: list[str] = []

    def follow(self, roots: Iterable[Mapping[str, Any]]) -> None:
        """Read the *roots* and, of those to be expanded, all that they may require."""
        rows = {name: row for row in roots for name in row["names"]}
        self.add(rows)
        pending = {name: frozenset(row.get("extras", ())) for name, row in rows.items() if row["expanded"]}
        followed: dict[str, frozenset[str]] = {}
        while pending:
            self.add(pending)
            followed |= pending
            wanted: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
            for name, extras in pending.items():
                for required, its_extras in self._required(name, extras):
                    wanted[required] |= its_extras
            pending = {
                name: extras | followed.get(name, frozenset())
                for name, extras in wanted.items()
                if rows.get(name, {"expanded": True})["expanded"]
                and (name not in followed or not extras <= followed[name])
            }

    def add(self, names: Iterable[str]) -> None:
        """Read the distributions *names*, those apart that are there already."""
        fresh = sorted({canonicalize_name(name) for name in names} - self.packages.keys())
        listed = dict(zip(fresh, self._pool.map(self._files, fresh), strict=True))
        releases = {name: self._releases(name, files) for name, files in listed.items()}
        chosen = {file.name: file for of in releases.values() for files in of.values() for file in _to_read(files)}
        declared = dict(zip(chosen, self._pool.map(self._metadata, chosen.values()), strict=True))
        for name, of in releases.items():
            metadata = {key: value for files in of.values() for key, value in _share(files, declared).items()}
            self.packages[name] = Package(name=name, releases=of, metadata=metadata)

    def _files(self, name: str) -> tuple[IndexFile, ...]:
        try:
            return self._index.files(name)
        except AbsentFromIndexError as error:
            self.remarks.append(str(error))
            return ()

    def _releases(self, name: str, files: Iterable[IndexFile]) -> dict[Version, list[IndexFile]]:
        """The files that installers of today take, by release, oldest first."""
        found: defaultdict[Version, list[IndexFile]] = defaultdict(list)
        for file in sorted(files, key=lambda file: file.name):
            version = self._version(name, file)
            if version is not None and not version.is_devrelease:
                found[version].append(file)
        has_final = any(not version.is_prerelease for version in found)
        are_early_kept = name in self._early or not has_final
        return {version: found[version] for version in sorted(found) if are_early_kept or not version.is_prerelease}

    def _version(self, name: str, file: IndexFile) -> Version | None:
        """The version that the name of *file* states; None, with a remark, where it cannot be locked."""
        try:
            read: Callable[[str], Any] = parse_wheel_filename if file.name.endswith(".whl") else parse_sdist_filename
            stated, version = read(file.name)[:2]
        except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion) as error:
            self.remarks.append(f"{name}: left out: {error}")
            return None
        if stated != name or file.sha256 is None or file.uploaded is None:
            self.remarks.append(f"{name}: left out {file.name}: of another project, or without a hash or upload time")
            return None
        return Version(str(version))

    def _metadata(self, file: IndexFile) -> Metadata | None:
        digest = str(file.sha256)
        kept = self._cache / digest[:2] / f"{digest}.json"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            unfinished = kept.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(self._read_metadata(file)), encoding="utf-8")
            unfinished.replace(kept)
        row = json.loads(kept.read_bytes())
        if "unavailable" in row:
            self.remarks.append(row["unavailable"])
            return None
        return Metadata(requires=tuple(row["requires"]), extras=tuple(row["extras"]))

    def _read_metadata(self, file: IndexFile) -> dict[str, Any]:
        try:
            fields, _ = parse_email(self._index.metadata(file))
        except MetadataUnavailableError as error:
            return {"unavailable": str(error)}
        return {"requires": fields.get("requires_dist", []), "extras": fields.get("provides_extra", [])}

    def _required(self, name: str, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
        """What the final releases of *name* may require with *extras*; of one that has none, the others."""
        package = self.packages[name]
        versions = [version for version in package.releases if not version.is_prerelease] or [*package.releases]
        for line in sorted({line for version in versions for line in _declared(package, package.releases[version])}):
            try:
                requirement = Requirement(line)
            except InvalidRequirement:
                self.remarks.append(f"{name}: not a requirement: {line}")
                continue
            if _may_hold(requirement, extras, self._environments):
                yield canonicalize_name(requirement.name), frozenset(map(canonicalize_name, requirement.extras))


def _declared(package: Package, files: Iterable[IndexFile]) -> Iterator[str]:
    for file in files:
        metadata = package.metadata[file.name]
        if metadata is not None:
            yield from metadata.requires


def _environments(pythons: Iterable[str]) -> Iterator[dict[str, str]]:
    """The environments in which markers are evaluated: every platform with every Python."""
    for python in pythons:
        for platform, system, os_name, machine in _PLATFORMS:
            yield {
                "python_version": python,
                "python_full_version": f"{python}.0",
                "implementation_name": "cpython",
                "implementation_version": f"{python}.0",
                "platform_python_implementation": "CPython",
                "sys_platform": platform,
                "platform_system": system,
                "os_name": os_name,
                "platform_machine": machine,
                "platform_release": "",
                "platform_version": "",
            }


def _may_hold(requirement: Requirement, extras: frozenset[str], environments: tuple[dict[str, str], ...]) -> bool:
    marker = requirement.marker
    return marker is None or any(
        marker.evaluate(environment | {"extra": extra}) for extra in ("", *extras) for environment in environments
    )


# --- one metadata for each platform family and Python major --------------------------------------------------


def _to_read(files: Iterable[IndexFile]) -> list[IndexFile]:
    """The files of a release whose metadata speaks for all of them."""
    return list({_metadata_group(file.name): file for file in _wheels_or_all(files)}.values())


def _share(files: list[IndexFile], declared: Mapping[str, Metadata | None]) -> dict[str, Metadata | None]:
    """File name to metadata, where *declared* holds that of the files that were read."""
    by_group = {_metadata_group(file.name): declared[file.name] for file in _to_read(files)}
    # An sdist beside wheels makes whichever of them the platform needs: known where they agree.
    agreed = set(by_group.values())
    common = agreed.pop() if len(agreed) == 1 else None
    return {file.name: by_group.get(_metadata_group(file.name), common) for file in files}


def _wheels_or_all(files: Iterable[IndexFile]) -> list[IndexFile]:
    listed = list(files)
    return [file for file in listed if file.name.endswith(".whl")] or listed


@cache
def _metadata_group(name: str) -> tuple[str, str]:
    """Platform family and Python majors of a wheel; every sdist of a release is alike."""
    if not name.endswith(".whl"):
        return ("source", "")
    tags = parse_wheel_filename(name)[3]
    majors = {tag.interpreter.lstrip("abcdefghijklmnopqrstuvwxyz")[:1] for tag in tags}
    return (_platform_family(min(tag.platform for tag in tags)), ".".join(sorted(majors)))


def _platform_family(platform: str) -> str:
    """The system that a platform tag names; on Linux with the machine, for which wheels are built apart."""
    system = platform.partition("_")[0]
    if "linux" not in system:
        return system
    return next((f"linux_{machine}" for machine in ("x86_64", "aarch64") if platform.endswith(machine)), platform)


if __name__ == "__main__":
    main()
