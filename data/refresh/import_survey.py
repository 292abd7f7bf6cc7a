"""Rewrite the generated tables of ``data/`` from a survey of the package index.

    python data/refresh/import_survey.py SURVEY

SURVEY is a folder with the raw measurements: ``releases.json`` (metadata and file names of every release),
``tf_releases.json`` (constants read from the wheels), ``keras_versions.json`` (what running releases call their Keras),
``keras_schema.json`` (classes read from the sources with
``ast``), ``ops_registry.json`` and ``ops_addons.json`` (operations registered by running releases). Everything is
carried over whole; only the layout changes, so that a question about one distribution opens one small file.
A table that would hold fewer rows than the one it replaces is refused.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent
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
    survey = Path(sys.argv[1])
    releases = _load(survey / "releases.json")
    for distribution, rows in releases["packages"].items():
        _write_releases(distribution, rows, releases)
    _write_tensorflow(
        _load(survey / "tf_releases.json")["tensorflow"], _load(survey / "keras_versions.json")["strings"]
    )
    for lineage, schema in _load(survey / "keras_schema.json")["lineages"].items():
        _write(DATA / "keras_schema" / f"{lineage}.json", schema, source="keras-sources", rows=schema["classes"])
    _write_operations(_load(survey / "ops_registry.json"), _load(survey / "ops_addons.json"))


def _write_releases(distribution: str, rows: dict[str, Any], tables: dict[str, Any]) -> None:
    requirement_sets: list[list[str]] = []
    releases = {version: _release(row, tables, requirement_sets) for version, row in rows.items()}
    _write(
        DATA / "releases" / f"{distribution}.json",
        {"distribution": distribution, "requirement_sets": requirement_sets, "releases": releases},
        source="package-index",
        rows=releases,
    )


def _release(row: dict[str, Any], tables: dict[str, Any], requirement_sets: list[list[str]]) -> dict[str, Any]:
    def requirement_set(index: int) -> int:
        requirements = tables["requires_dist_table"][index]
        if requirements not in requirement_sets:
            requirement_sets.append(requirements)
        return requirement_sets.index(requirements)

    release: dict[str, Any] = {"uploaded": row["date"]}
    for key in ("requires_python", "yanked", "sdist"):
        if row.get(key):
            release[key] = row[key]
    if "wheels" in row:
        release["wheels"] = _wheels(tables["wheels_table"][row["wheels"]])
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


def _write_tensorflow(rows: dict[str, Any], strings: dict[str, Any]) -> None:
    kept = ("date", "producer", "min_producer", "min_consumer", "checkpoint", "producer_date", "keras", "protobuf_cpp")
    releases = {version: {key: row[key] for key in kept if key in row} for version, row in rows.items()}
    # Where the name of the bundled Keras depends on TF2 behaviour: the one that the line writes as installed.
    observed = {
        _line(version): string for string, row in strings.items() for version in row.get("observed_default", ())
    }
    for version, release in releases.items():
        if "tf2_enabled" in release["keras"]:
            release["keras"] = release["keras"] | {"as_installed": observed[_line(version)]}
    _write(DATA / "tensorflow.json", {"releases": releases}, source="tensorflow-wheels", rows=releases)


def _line(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _write_operations(registry: dict[str, Any], addons: dict[str, Any]) -> None:
    tables = {"core": registry} | addons
    _write(
        DATA / "operations.json",
        {"packages": {name: {"versions": table["versions"], "ops": table["ops"]} for name, table in tables.items()}},
        source="tensorflow-registries",
        rows={f"{name}:{op}": None for name, table in tables.items() for op in table["ops"]},
    )


def _write(path: Path, table: dict[str, Any], *, source: str, rows: dict[str, Any]) -> None:
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))["rows"]
        if before > len(rows):
            sys.exit(f"{path}: refused to replace {before} rows by {len(rows)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"generator": GENERATOR, "source": source, "rows": len(rows)} | table
    path.write_text(_dump(document), encoding="utf-8")


_ROWS = frozenset({"releases", "classes", "aliases", "functions", "packages", "ops"})
"""Keys of tables: each of their rows stands on a line of its own."""


def _dump(document: dict[str, Any]) -> str:
    """One row a line, so that a difference between two generations can be reviewed."""
    return _table(document) + "\n"


def _table(table: dict[str, Any]) -> str:
    rows = (f"{json.dumps(name)}:{_row(name, value)}" for name, value in table.items())
    return "{\n" + ",\n".join(rows) + "\n}"


def _row(name: str, value: Any) -> str:
    if name in _ROWS and value:
        return _table(value)
    holds_table = isinstance(value, dict) and not _ROWS.isdisjoint(value)
    return _table(value) if holds_table else _compact(value)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


if __name__ == "__main__":
    main()
