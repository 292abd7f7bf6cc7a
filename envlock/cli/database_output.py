"""The database as text for a person and as JSON documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from envlock.formats.text import printable

if TYPE_CHECKING:
    from envlock.freshness import MissingReleases
    from envlock.knowledge.consistency import Problem
    from envlock.knowledge.tables import Table
    from envlock.release_sheet import Sheet

Document = dict[str, Any]

_LABEL_WIDTH = 18


# --- info ----------------------------------------------------------------------------------------------------


def render_info(tables: Sequence[Table], digest: str) -> str:
    """One line a table, and the sum of them."""
    rows = [("table", "rows", "kB", "kept by", "sources")]
    rows += [
        (
            table.name if table.files == 1 else f"{table.name} ({table.files} files)",
            f"{table.rows:,}",
            f"{table.size / 1000:,.0f}",
            table.generator or "hand",
            _few(table.sources),
        )
        for table in tables
    ]
    total = f"{sum(table.rows for table in tables):,} rows, {sum(table.size for table in tables) / 1e6:.1f} MB"
    return f"{_columns(rows)}\n{total}, digest {digest[:12]}\n"


def info_document(tables: Sequence[Table], digest: str) -> Document:
    """``envlock/db-info/1``."""
    return {
        "schema": "envlock/db-info/1",
        "digest": digest,
        "tables": [
            {
                "name": table.name,
                "rows": table.rows,
                "bytes": table.size,
                "files": table.files,
                "generator": table.generator,
                "sources": list(table.sources),
            }
            for table in tables
        ],
    }


def _few(names: Sequence[str], shown: int = 3) -> str:
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of equal length as a table: the second and third column are numbers, the last is as wide as it is."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return "".join("  ".join([*map(_cell, row, widths, range(len(widths))), row[-1]]).rstrip() + "\n" for row in rows)


def _cell(text: str, width: int, column: int) -> str:
    return text.rjust(width) if column in {1, 2} else text.ljust(width)


# --- show ----------------------------------------------------------------------------------------------------


def render_sheet(sheet: Sheet) -> str:
    """A heading, then a block for each section: its name, and its lines beside it."""
    lines = [sheet.title]
    for section in sheet.sections:
        label = section.title
        for entry in section.lines:
            lines.append(f"  {label:<{_LABEL_WIDTH}}{printable(entry, limit=len(entry))}".rstrip())
            label = ""
    return "\n".join(lines) + "\n"


def sheet_document(sheet: Sheet) -> Document:
    """``envlock/db-show/1``."""
    return {
        "schema": "envlock/db-show/1",
        "distribution": sheet.distribution,
        "version": str(sheet.version),
        "facts": {section.name: section.value for section in sheet.sections},
    }


# --- check ---------------------------------------------------------------------------------------------------


def render_check(problems: Sequence[Problem], missing: Sequence[MissingReleases] | None) -> str:
    """What is wrong, a line each; one line where nothing is."""
    lines = [f"{problem.table}: {problem.message}" for problem in problems]
    lines += [f"{item.distribution}: the index also has {', '.join(map(str, item.versions))}" for item in missing or ()]
    if not problems:
        lines.insert(0, "the tables agree with themselves and with each other")
    if missing is not None and not missing:
        lines.append("every final release on the index is known")
    return "\n".join(lines) + "\n"


def check_document(problems: Iterable[Problem], missing: Iterable[MissingReleases] | None) -> Document:
    """``envlock/db-check/1``; ``missing`` is null where the index was not asked."""
    return {
        "schema": "envlock/db-check/1",
        "problems": [{"table": problem.table, "message": problem.message} for problem in problems],
        "missing": None
        if missing is None
        else [
            {"distribution": item.distribution, "versions": [str(version) for version in item.versions]}
            for item in missing
        ],
    }
