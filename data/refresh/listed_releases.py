"""Rewrite ``data/releases/`` for distributions that ``snapshot.py`` does not harvest, through pip and uv.

    python data/refresh/listed_releases.py NAME ... [--data DIR] [--allow-fewer]

pip lists the releases that have a wheel for each Python and platform; uv, made to lock each of them with all that it
requires, tells when its wheel was uploaded and what it declares. A release without any wheel is left out, and so are
yanked ones: neither client names them. What a release requires stays unknown where that has no solution. No wheel is
read whole.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, product
from pathlib import Path
from typing import Any

from closures import Trial
from locked_releases import compile_lock, describe_package, lock
from options import script_parser
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version
from releases import share_requirements
from tables import read_toml, write_document

from envlock.knowledge.releases import line_order
from envlock.target import PLATFORMS, Target
from envlock.uv_process import run_uv

GENERATOR = "data/refresh/listed_releases.py"

Row = dict[str, Any]


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME")
    options = parser.parse_args()
    pythons = read_toml(options.data / "snapshot_roots.toml")["scope"]["pythons"]
    cache = Path(run_uv(["cache", "dir"], action="finding the cache", place="the cache of uv").strip())
    for name in map(canonicalize_name, options.names):
        write_document(
            options.data / "releases" / f"{name}.json",
            share_requirements(name, read_releases(name, pythons, cache)),
            generator=GENERATOR,
            source="package-index",
            tables=("releases",),
            allow_fewer=options.allow_fewer,
        )


def read_releases(name: str, pythons: Iterable[str], cache: Path) -> dict[str, Row]:
    """The row of each release, the oldest first; *cache* is uv's."""
    targets: dict[Version, list[Target]] = {}
    for platform, python in product(PLATFORMS, pythons):
        target = Target(python=python, platform=platform)
        for version in list_versions(name, target):
            targets.setdefault(version, []).append(target)
    return {str(version): read_release(name, version, targets[version], cache) for version in sorted(targets)}


def list_versions(name: str, target: Target) -> list[Version]:
    """The final releases that have a wheel for *target*, as pip lists them.

    Raises:
        SystemExit: pip fails for another reason than that there is none.
    """
    platforms = chain.from_iterable(("--platform", tag) for tag in (*target.platform.wheel_platforms(), "any"))
    ended = subprocess.run(  # noqa: S603 - the names are those of the command line
        [
            *(sys.executable, "-m", "pip", "index", "versions", name, "--disable-pip-version-check"),
            *("--only-binary", ":all:", "--python-version", target.python, *platforms),
        ],
        capture_output=True,
        check=False,
        text=True,
    )
    if ended.returncode and "No matching distribution found" not in ended.stderr:
        raise SystemExit(f"{name} for {target}: pip failed: {ended.stderr}")
    listed = next((line for line in ended.stdout.splitlines() if line.startswith("Available versions: ")), "")
    return [Version(version) for version in listed.partition(": ")[2].split(", ") if version]


def read_release(name: str, version: Version, targets: Sequence[Target], cache: Path) -> Row:
    """What a release with wheels for *targets* declares, by the newest Python that uv finds a solution for."""
    newest_first = sorted(targets, key=lambda target: line_order(target.python), reverse=True)
    trials = [_trial(name, version, target) for target in newest_first]
    locks = (lock(trial, cache).get("packages", ()) for trial in trials)
    solution = next(filter(None, locks), None) or _lock_alone(trials[0], cache)
    return describe_release(next(package for package in solution if package["name"] == name), targets)


def _trial(name: str, version: Version, target: Target) -> Trial:
    requirement = Requirement(f"{name}=={version}")
    return Trial(subject=name, version=version, requirements=(requirement,), constraints=(), target=target)


def _lock_alone(trial: Trial, cache: Path) -> list[Row]:
    """The release without what it requires."""
    print(f"{trial.name}: uv finds no solution: what it requires is left out", file=sys.stderr)
    return [describe_package(package, cache) for package in compile_lock(trial, ["--no-deps"])["packages"]]


def describe_release(package: Mapping[str, Any], targets: Iterable[Target]) -> Row:
    """The row of a release, from what a lock keeps of it; a column that would say nothing is left out."""
    wheels = [file["name"] for file in package["files"] if file["name"].endswith(".whl")]
    uploaded = [file["uploaded"][:10] for file in package["files"] if file["uploaded"]]
    declared = package["metadata"][0] if package["metadata"] else {}
    row = {
        "uploaded": min(uploaded, default=""),
        "requires_python": declared.get("requires_python", ""),
        "sdist": len(wheels) < len(package["files"]),
        "wheels": _universal_wheels(wheels) or _wheels_for(targets),
        "requires": {"*": tuple(declared["requires"])} if declared else {},
    }
    return {column: value for column, value in row.items() if value}


def _universal_wheels(names: Iterable[str]) -> dict[str, list[str]]:
    """The Python tags of wheels that run on every platform, as in the name of the file."""
    universal = [name for name in names if {tag.platform for tag in parse_wheel_filename(name)[3]} == {"any"}]
    return {"any": sorted(name.split("-")[-3] for name in universal)} if universal else {}


def _wheels_for(targets: Iterable[Target]) -> dict[str, list[str]]:
    """Platform to the tags of the Pythons that have a wheel there, the oldest first."""
    found: dict[str, list[str]] = {}
    for target in targets:
        found.setdefault(target.platform.name, []).append(f"cp{target.python.replace('.', '')}")
    return dict(sorted(found.items()))


if __name__ == "__main__":
    main()
