"""The database as text for a person and as JSON documents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, TypedDict

from envlock.formats.text import printable

if TYPE_CHECKING:
    from envlock.freshness import MissingReleases
    from envlock.knowledge.consistency import Problem
    from envlock.knowledge.tables import DatabaseInfo
    from envlock.release_sheet import Sheet

Document = dict[str, Any]


class _Breaks(TypedDict):
    break_on_hyphens: bool
    break_long_words: bool


_WIDTH = 100
_LABEL_WIDTH = 14

# Requirements and names have hyphens and no spaces: broken there, nobody could copy them.
_BREAKS: _Breaks = {"break_on_hyphens": False, "break_long_words": False}


# --- info ----------------------------------------------------------------------------------------------------


def render_info(info: DatabaseInfo) -> str:
    """One line a table and a source, and the sum of them."""
    tables = [("table", "rows", "kB", "kept by", "sources")]
    tables += [
        (
            table.name if table.files == 1 else f"{table.name} ({table.files} files)",
            f"{table.rows:,}",
            f"{table.size / 1000:,.0f}",
            Path(table.generator).name if table.generator else "hand",
            ", ".join(table.sources),
        )
        for table in info.tables
    ]
    sources = [("source", "read on", "what it is")]
    sources += [(source.key, source.retrieved, source.title) for source in info.sources]
    rows, size = sum(table.rows for table in info.tables), sum(table.size for table in info.tables)
    return (
        f"{_columns(tables, numbers={1, 2})}\n{_columns(sources)}\n"
        f"{rows:,} rows, {size / 1e6:.1f} MB; the package index as of {info.index_day}; digest {info.digest[:12]}\n"
    )


def info_document(info: DatabaseInfo) -> Document:
    """``envlock/db-info/1``."""
    return {
        "schema": "envlock/db-info/1",
        "digest": info.digest,
        "index_day": info.index_day,
        "tables": [
            {
                "name": table.name,
                "rows": table.rows,
                "bytes": table.size,
                "files": table.files,
                "generator": table.generator,
                "sources": list(table.sources),
            }
            for table in info.tables
        ],
        "sources": [
            {"key": source.key, "title": source.title, "retrieved": source.retrieved} for source in info.sources
        ],
    }


def _columns(rows: Sequence[Sequence[str]], *, numbers: Collection[int] = ()) -> str:
    """Rows of equal length as a table, *numbers* to the right; the last column is broken where the line is full."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    lines = []
    for *cells, last in rows:
        shown = zip(cells, widths, count(), strict=False)
        head = "".join(
            f"{cell:>{width}}  " if place in numbers else f"{cell:<{width}}  " for cell, width, place in shown
        )
        lines += wrap(last, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head), **_BREAKS) or [
            head.rstrip()
        ]
    return "\n".join(lines) + "\n"


# --- show ----------------------------------------------------------------------------------------------------


def render_sheet(sheet: Sheet) -> str:
    """A heading, then a block for each section: its name, and its lines beside it."""
    lines = [sheet.title]
    for section in sheet.sections:
        label = section.title
        for text in section.lines:
            for line in _wrapped(printable(text, limit=len(text))):
                lines.append(f"  {label:<{_LABEL_WIDTH}}{line}".rstrip())
                label = ""
    return "\n".join(lines) + "\n"


def _wrapped(text: str) -> list[str]:
    """Lines that fit beside the labels; those after the first are indented."""
    return wrap(text, _WIDTH - _LABEL_WIDTH - 2, subsequent_indent="  ", **_BREAKS)


def sheet_document(sheet: Sheet) -> Document:
    """``envlock/db-show/1``."""
    return {
        "schema": "envlock/db-show/1",
        "distribution": sheet.distribution,
        "version": str(sheet.version),
        "facts": {section.name: section.value for section in sheet.sections},
    }


# --- check ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseCheck:
    """What ``envlock db check`` found out."""

    problems: Sequence[Problem]
    missing: Sequence[MissingReleases] | None
    """``None`` where the index was not asked."""


def render_check(check: DatabaseCheck) -> str:
    """What is wrong, a line each; one line where nothing is."""
    lines = [f"{problem.table}: {problem.message}" for problem in check.problems]
    lines += [
        f"{item.distribution}: the package index also has {', '.join(map(str, item.versions))}"
        for item in check.missing or ()
    ]
    if not check.problems:
        lines.insert(0, "the tables agree with themselves and with each other")
    if check.missing is not None and not check.missing:
        lines.append("nothing came out on the package index since the database was made")
    return "\n".join(lines) + "\n"


def check_document(check: DatabaseCheck) -> Document:
    """``envlock/db-check/1``; ``missing`` is null where the index was not asked."""
    return {
        "schema": "envlock/db-check/1",
        "problems": [{"table": problem.table, "message": problem.message} for problem in check.problems],
        "missing": None
        if check.missing is None
        else [
            {"distribution": item.distribution, "versions": [str(version) for version in item.versions]}
            for item in check.missing
        ],
    }
