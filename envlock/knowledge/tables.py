"""What the database holds: each table with its rows, its sources and its size; each source with its day."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from envlock.knowledge.datafiles import data_folder, database_digest, read_json, read_toml, table_names
from envlock.knowledge.snapshot import bundled_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of ``data/``, or a folder of tables of one layout."""

    name: str
    """Path below ``data/``; a folder ends in ``/``."""

    generator: str | None
    """The script that writes it; ``None`` for what people keep by hand."""

    rows: int
    sources: tuple[str, ...]
    """Keys of ``data/sources.toml``, sorted."""

    size: int
    """Bytes on disk."""

    files: int
    """1, or how many tables the folder holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where facts come from."""

    key: str
    """As the rows cite it."""

    title: str
    retrieved: str
    """The day it was read, or the experiment was made, ``YYYY-MM-DD``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseInfo:
    """What the database holds, where that comes from, and of when it is."""

    tables: tuple[Table, ...]
    sources: tuple[Source, ...]
    index_day: str
    """The day of the newest of the harvests that the index snapshot is made of, ``YYYY-MM-DD``."""

    digest: str


def describe_database() -> DatabaseInfo:
    """The tables sorted by name, those of a folder together, and the sources sorted by key."""
    packages = map(bundled_snapshot().package, bundled_snapshot().names())
    return DatabaseInfo(
        tables=_tables(),
        sources=tuple(
            Source(key=key, title=row["title"], retrieved=str(row["retrieved"]))
            for key, row in sorted(read_toml("sources.toml").items())
        ),
        index_day=max(package.header["harvested"] for package in packages if package is not None),
        digest=database_digest(),
    )


def curated_rows(name: str) -> Iterator[dict[str, Any]]:
    """Every row of a curated table, whatever its kind; a source at the head of the table speaks for all of them."""
    content = read_toml(name)
    whole = {"source": content["source"]} if "source" in content else {}
    for value in content.values():
        rows = value if isinstance(value, list) else [value]
        yield from (whole | row for row in rows if isinstance(row, dict))


def cited(row: dict[str, Any]) -> tuple[str, ...]:
    """The sources that a row names: one, or several where they say it together."""
    source = row.get("source", ())
    return (source,) if isinstance(source, str) else tuple(source)


def generated_header(name: str) -> dict[str, Any]:
    """``generator``, ``source`` and ``rows`` of a generated table."""
    if name.endswith(".jsonl"):
        with (data_folder() / name).open(encoding="utf-8") as stream:
            header: dict[str, Any] = json.loads(stream.readline())
        return header
    return read_json(name)


def _tables() -> tuple[Table, ...]:
    groups: dict[str, list[Table]] = {}
    for name in table_names():
        folder, slash, _ = name.rpartition("/")
        groups.setdefault(folder + slash if slash else name, []).append(_table(name))
    return tuple(_joined(name, group) for name, group in sorted(groups.items()))


def _table(name: str) -> Table:
    size = (data_folder() / name).stat().st_size
    if name.endswith(".toml"):
        rows = sum(_count(value) for key, value in read_toml(name).items() if key != "source")
        sources = {source for row in curated_rows(name) for source in cited(row)}
        return Table(name=name, generator=None, rows=rows, sources=tuple(sorted(sources)), size=size, files=1)
    header = generated_header(name)
    return Table(
        name=name, generator=header["generator"], rows=header["rows"], sources=cited(header), size=size, files=1
    )


def _count(value: Any) -> int:
    """The rows under one key: as many as a list has, or a table of lists, or one that pairs names with names."""
    if isinstance(value, list):
        return len(value)
    parts = value.values() if isinstance(value, dict) else ()
    if parts and all(isinstance(part, list) and isinstance(part[0], dict) for part in parts):
        return sum(map(len, parts))
    return len(parts) if parts and all(isinstance(part, str) for part in parts) else 1


def _joined(name: str, group: list[Table]) -> Table:
    return Table(
        name=name,
        generator=group[0].generator,
        rows=sum(table.rows for table in group),
        sources=tuple(sorted({source for table in group for source in table.sources})),
        size=sum(table.size for table in group),
        files=len(group),
    )
