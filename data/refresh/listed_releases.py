"""Rewrite ``data/releases/`` for distributions that ``snapshot.py`` does not harvest, through pip and uv.

    python data/refresh/listed_releases.py NAME ... [--data DIR] [--allow-fewer]

pip lists the releases that each Python can install, whatever the platform. uv locks each of them alone, for all
platforms: the lock tells its files and when they were uploaded. What a wheel declares uv reads on being asked for that
wheel, which it does not fetch whole. What an sdist declares stays unknown: it would have to be built. Yanked files are
left out, and wheels for Python 2 alone: uv names neither.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

from locked_releases import compile_pylock, describe_files, read_metadata
from options import script_parser
from packaging.utils import canonicalize_name
from packaging.version import Version
from releases import describe_release, share_requirements
from tables import read_toml, write_document

from envlock.knowledge.releases import line_order
from envlock.knowledge.snapshot import SnapshotFile
from envlock.target import PLATFORMS
from envlock.uv_process import index_address, run_uv

GENERATOR = "data/refresh/listed_releases.py"

Row = dict[str, Any]


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME")
    options = parser.parse_args()
    pythons = read_toml(options.data / "snapshot_roots.toml")["scope"]["pythons"]
    for name in map(canonicalize_name, options.names):
        write_document(
            options.data / "releases" / f"{name}.json",
            share_requirements(name, read_releases(name, pythons)),
            generator=GENERATOR,
            source="package-index",
            tables=("releases",),
            allow_fewer=options.allow_fewer,
        )


def read_releases(name: str, pythons: Iterable[str]) -> dict[str, Row]:
    """The row of each release, the oldest first.

    Raises:
        SystemExit: There is none, or pip fails.
    """
    index = index_address()
    oldest: dict[Version, str] = {}
    for python in sorted((python for python in pythons if line_order(python) >= (3, 0)), key=line_order):
        for version in list_versions(name, python, index):
            oldest.setdefault(version, python)
    if not oldest:
        raise SystemExit(f"{name}: pip lists no release")
    return {str(version): describe_release(read_files(name, version, oldest[version])) for version in sorted(oldest)}


def list_versions(name: str, python: str, index: str) -> list[Version]:
    """The final releases that have a wheel for *python* on any platform, or an sdist, as pip lists them.

    Raises:
        SystemExit: pip fails for another reason than that there is none.
    """
    tags = dict.fromkeys(tag for platform in PLATFORMS for tag in (*platform.wheel_platforms(), "any"))
    ended = subprocess.run(  # noqa: S603 - the names are those of the command line
        [
            *(sys.executable, "-m", "pip", "index", "versions", name, "--disable-pip-version-check"),
            *("--index-url", index, "--python-version", python),
            *chain.from_iterable(("--platform", tag) for tag in tags),
        ],
        capture_output=True,
        check=False,
        text=True,
    )
    if ended.returncode and "No matching distribution found" not in ended.stderr:
        raise SystemExit(f"{name} for Python {python}: pip failed: {ended.stderr}")
    listed = next((line for line in ended.stdout.splitlines() if line.startswith("Available versions: ")), "")
    return [Version(version) for version in listed.partition(": ")[2].split(", ") if version]


def read_files(name: str, version: Version, python: str) -> list[SnapshotFile]:
    """The files that a release has for *python* and newer ones, with what its wheels declare.

    Its sdist is held to be for the Pythons that they are for.
    """
    # Without dependencies nothing is built, so that any Python will do: uv need not look for that one.
    options = ["--universal", "--no-deps", "--python-version", python, "--python", sys.executable]
    (package,) = compile_pylock([f"{name}=={version}"], options)["packages"]
    wheels = [_read_wheel(f"{name} @ {wheel['url']}", options) for wheel in package.get("wheels", ())]
    unknown = {"requires_python": wheels[0]["requires_python"] if wheels else "", "requires": None, "extras": ()}
    return [
        SnapshotFile(
            name=file["name"],
            uploaded=file["uploaded"],
            sha256=file["sha256"],
            size=None,
            requires_python=declared["requires_python"],
            requires=None if declared["requires"] is None else tuple(declared["requires"]),
            extras=tuple(declared["extras"]),
            yanked=None,
        )
        for file, declared in zip(describe_files(package), [*wheels, unknown], strict=False)
    ]


def _read_wheel(requirement: str, options: list[str]) -> Row:
    """What the one wheel that *requirement* names by its address declares."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        # Not into a lock of PEP 751: for the hash in it, uv would fetch the whole wheel.
        run_uv(
            ["pip", "compile", "-", *options, "--cache-dir", str(cache)],
            action="reading a wheel",
            place=str(cache),
            text=requirement,
            folder=folder,
        )
        (path,) = cache.glob("wheels-v*/url/*/*/*.msgpack")
        return read_metadata(path)


if __name__ == "__main__":
    main()
