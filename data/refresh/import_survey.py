"""Rewrite ``data/releases/``: what each release of the TensorFlow family and its companions declares.

    python data/refresh/import_survey.py FOLDER [--data DIR] [--allow-fewer]

FOLDER holds ``releases.json``, a survey of the package index: metadata and file names of every final release. All of it
is carried over; only the layout changes, so that a question about one distribution opens one small file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from options import script_parser
from tables import write_document

GENERATOR = "data/refresh/import_survey.py"

# Wheel platform tags to the platform families of the release tables, by the words a tag holds.
_FAMILIES = (
    ("linux_x86_64", ("manylinux", "x86_64")),
    ("linux_aarch64", ("manylinux", "aarch64")),
    ("macos_x86_64", ("macosx", "x86_64")),
    ("macos_x86_64", ("macosx", "intel")),
    ("macos_arm64", ("macosx", "arm64")),
    ("win_amd64", ("win_amd64",)),
    ("any", ("any",)),
)


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="with the survey")
    options = parser.parse_args()
    survey = json.loads((options.folder / "releases.json").read_bytes())
    for distribution, rows in survey["packages"].items():
        write_document(
            options.data / "releases" / f"{distribution}.json",
            describe_releases(distribution, rows, survey),
            generator=GENERATOR,
            source="package-index",
            tables=("releases",),
            allow_fewer=options.allow_fewer,
        )


def describe_releases(distribution: str, rows: dict[str, Any], survey: dict[str, Any]) -> dict[str, Any]:
    """The table of a distribution; what releases require stands once in ``requirement_sets``, and they cite it."""
    requirement_sets: list[list[str]] = []
    releases = {version: _release(row, survey, requirement_sets) for version, row in rows.items()}
    return {"distribution": distribution, "requirement_sets": requirement_sets, "releases": releases}


def _release(row: dict[str, Any], survey: dict[str, Any], requirement_sets: list[list[str]]) -> dict[str, Any]:
    def requirement_set(index: int) -> int:
        requirements = survey["requires_dist_table"][index]
        if requirements not in requirement_sets:
            requirement_sets.append(requirements)
        return requirement_sets.index(requirements)

    release: dict[str, Any] = {"uploaded": row["date"]}
    for key in ("requires_python", "yanked", "sdist"):
        if row.get(key):
            release[key] = row[key]
    if "wheels" in row:
        release["wheels"] = _wheels(survey["wheels_table"][row["wheels"]])
    declared = row.get("requires_dist")
    if isinstance(declared, int):
        release["requires"] = {"*": requirement_set(declared)}
    elif declared:
        release["requires"] = {family: requirement_set(index) for family, index in sorted(declared.items())}
    return release


def _wheels(tags: list[Any]) -> dict[str, list[str]]:
    """Platform family to the Python tags that have a wheel, such as ``cp37`` or ``py3``."""
    wheels: dict[str, set[str]] = {}
    for platform_tag, python_tags in tags:
        family = next(name for name, words in _FAMILIES if all(word in platform_tag for word in words))
        wheels.setdefault(family, set()).update(tag.partition("-")[0] for tag in python_tags)
    return {family: sorted(python_tags, key=_tag_order) for family, python_tags in sorted(wheels.items())}


def _tag_order(tag: str) -> tuple[int, str]:
    return (len(tag), tag)


if __name__ == "__main__":
    main()
