"""Rewrite ``data/releases/``: what each release of the TensorFlow family and its companions declares.

    python data/refresh/releases.py [NAME ...] [--data DIR] [--allow-fewer]

Reads the tables that ``snapshot.py`` has harvested, and nothing else: what a release is for (Pythons, platforms,
requirements) without its files, in one small file a distribution. Without a NAME every table that is there is
rewritten. A snapshot that holds no more than what locks need says too little of a distribution: its table is left.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from options import script_parser
from packaging.utils import parse_wheel_filename
from tables import write_document

from envlock.knowledge.snapshot import IndexSnapshot, SnapshotFile

GENERATOR = "data/refresh/releases.py"

# The platform families of the table, by the platform tags of wheels that run there.
_FAMILIES = {
    "linux_x86_64": re.compile(r"(many)?linux.*_x86_64"),
    "linux_aarch64": re.compile(r"(many)?linux.*_aarch64"),
    "macos_x86_64": re.compile(r"macosx_.*_(x86_64|intel|universal2)"),
    "macos_arm64": re.compile(r"macosx_.*_(arm64|universal2)"),
    "win_amd64": re.compile(r"win_amd64"),
    "any": re.compile(r"any"),
}

Row = dict[str, Any]


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="these distributions, whether a table is there or not")
    options = parser.parse_args()
    snapshot, folder = IndexSnapshot(options.data / "snapshot"), options.data / "releases"
    for name in options.names or sorted(path.stem for path in folder.glob("*.json")):
        package = snapshot.package(name)
        if package is None or not package.is_complete:
            print(f"{name}: left as it is: snapshot.py has not harvested it", file=sys.stderr)
            continue
        final = [version for version in package.versions if not version.is_prerelease]
        write_document(
            folder / f"{name}.json",
            share_requirements(name, {str(version): describe_release(package.files(version)) for version in final}),
            generator=GENERATOR,
            source="package-index",
            tables=("releases",),
            allow_fewer=options.allow_fewer,
        )


def share_requirements(distribution: str, rows: Mapping[str, Row]) -> Row:
    """The table of a distribution; what releases require stands once in ``requirement_sets``, and they cite it."""
    sets: dict[tuple[str, ...], int] = {}
    releases = {
        version: row | {"requires": {family: sets.setdefault(listed, len(sets)) for family, listed in required.items()}}
        if (required := row.get("requires"))
        else row
        for version, row in rows.items()
    }
    return {"distribution": distribution, "requirement_sets": [*sets], "releases": releases}


def describe_release(files: Sequence[SnapshotFile]) -> Row:
    """The row of a release: a column that would say nothing is left out."""
    wheels = [file for file in files if file.is_wheel]
    row = {
        "uploaded": min((file.uploaded[:10] for file in files if file.uploaded), default=""),
        "requires_python": _agreed([file.requires_python for file in files]),
        "yanked": all(file.yanked is not None for file in files),
        "sdist": len(wheels) < len(files),
        "wheels": _wheels(wheels),
        "requires": _requires(wheels or files),
    }
    return {column: value for column, value in row.items() if value}


def _agreed(declared: Iterable[str]) -> str | list[str]:
    """What all files declare; the loosest first where they differ."""
    different = sorted(set(declared))
    return different[0] if len(different) == 1 else different


def _wheels(wheels: Iterable[SnapshotFile]) -> dict[str, list[str]]:
    """Platform family to the Python tags that have a wheel, such as ``cp37`` or ``py2.py3``."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for wheel in wheels:
        for family in _families(wheel):
            found[family].add(_python_tag(wheel))
    return {family: sorted(tags, key=_tag_order) for family, tags in sorted(found.items())}


def _requires(files: Iterable[SnapshotFile]) -> dict[str, tuple[str, ...]]:
    """What the file for the newest Python of each platform family declares; under ``*`` where it is the same.

    Wheels for Python 2 speak for themselves, as in ``linux_x86_64_py2``: the first ones of TensorFlow have no markers.
    """
    by_family: dict[str, tuple[str, ...]] = {}
    for file in sorted(files, key=lambda file: _tag_order(_python_tag(file)) if file.is_wheel else (0, "")):
        if file.requires is not None:
            suffix = "_py2" if file.is_wheel and _python_tag(file).startswith("cp2") else ""
            for family in _families(file) if file.is_wheel else ("any",):
                by_family[family + suffix] = file.requires
    different = set(by_family.values())
    return {"*": different.pop()} if len(different) == 1 else dict(sorted(by_family.items()))


def _families(wheel: SnapshotFile) -> set[str]:
    """Where a wheel runs: nowhere if it is for a platform of no table, such as 32-bit Windows."""
    tags = {tag.platform for tag in parse_wheel_filename(wheel.name)[3]}
    return {family for family, platforms in _FAMILIES.items() if any(map(platforms.fullmatch, tags))}


def _python_tag(wheel: SnapshotFile) -> str:
    """Of the name of the file: ``cp37``, or ``py2.py3`` where it is for several."""
    return wheel.name.split("-")[-3]


def _tag_order(tag: str) -> tuple[int, str]:
    return (len(tag), tag)


if __name__ == "__main__":
    main()
