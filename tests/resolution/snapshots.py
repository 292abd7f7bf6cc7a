"""Tiny index snapshots, written as data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from envlock.knowledge.snapshot import IndexSnapshot
from envlock.resolution import PinnedFile

DAY = "2020-01-01"

Release = Mapping[str, Any]
"""``requires`` of every file, ``uploaded`` (a day), ``python``, ``yanked``, and ``files``: names to what differs.

A name of a file begins with ``-``: ``-py3-none-any.whl``, ``.tar.gz``; without ``files`` there is one pure wheel.
"""


def hash_of(file_name: str) -> str:
    """The hash that the snapshot gives for a file."""
    return f"sha256:{sha256(file_name.encode()).hexdigest()}"


def pinned(file_name: str) -> PinnedFile:
    """The file of a pin on a release that says nothing of when it was uploaded."""
    return PinnedFile(
        name=file_name, sha256=hash_of(file_name).removeprefix("sha256:"), size=1000, uploaded=f"{DAY}T12:00:00Z"
    )


def write_snapshot(
    folder: Path, packages: Mapping[str, Mapping[str, Release]], *, is_complete: bool = True
) -> IndexSnapshot:
    """Write *packages*, name to version to release, oldest version first, and open them."""
    folder.mkdir(exist_ok=True)
    for name, releases in packages.items():
        lines = _lines(name, releases, is_complete=is_complete)
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return IndexSnapshot(folder)


def _lines(name: str, releases: Mapping[str, Release], *, is_complete: bool) -> list[str]:
    pythons: list[str] = []
    requires: list[Sequence[str]] = []
    rows = [
        json.dumps(
            {
                "version": version,
                "files": sorted(
                    _file(name, version, suffix, {**release, **differences}, pythons, requires)
                    for suffix, differences in release.get("files", {"-py3-none-any.whl": {}}).items()
                ),
            }
        )
        for version, release in releases.items()
    ]
    header = {
        "distribution": name,
        "is_complete": is_complete,
        "rows": len(rows),
        "requires_python": pythons,
        "requires": requires,
    }
    return [json.dumps(header), *rows]


def _file(
    name: str, version: str, suffix: str, facts: Mapping[str, Any], pythons: list[str], requires: list[Sequence[str]]
) -> list[object]:
    file_name = f"{name.replace('-', '_')}-{version}{suffix}"
    return [
        file_name,
        f"{facts.get('uploaded', DAY)}T12:00:00Z",
        hash_of(file_name).removeprefix("sha256:"),
        1000,
        _index(facts.get("python", ""), pythons),
        _index(facts.get("requires", ()), requires) if facts.get("requires", ()) is not None else None,
        facts.get("yanked"),
    ]


def _index(value: Any, table: list[Any]) -> int:
    if value not in table:
        table.append(value)
    return table.index(value)
