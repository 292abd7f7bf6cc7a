"""The tables of ``data/``: curated ones are read, generated ones written; a row a line, never fewer rows unasked.

Two layouts: a JSON document whose tables stand a row a line (:func:`write_document`), and JSON lines with a header
(:func:`write_lines`). Both are replaced in one step, left alone where nothing changed, and the difference is printed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DATA = Path(__file__).parent.parent

Rows = Mapping[str, Any]
"""What names a row, to its value."""

_MOST_NAMES = 8
"""Names of rows printed for each kind of difference."""

_LONGEST_NAME = 60
"""Characters of a name that are printed; a row of a sequence has all of its columns for a name."""


class FewerRowsError(SystemExit):
    """A table would lose rows; ends the script with a message."""

    def __init__(self, path: Path, *, before: int, after: int) -> None:
        super().__init__(f"{path}: refused to replace {before} rows by {after}; --allow-fewer insists")


def read_toml(path: Path) -> dict[str, Any]:
    """A curated table."""
    loaded: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return loaded


def write_document(
    path: Path,
    content: Mapping[str, Any],
    *,
    generator: str,
    source: str,
    tables: Iterable[str],
    allow_fewer: bool = False,
) -> None:
    """Write *content* as a JSON document, headed by its *generator*, its *source* and the number of its rows.

    *tables* names the keys, at any depth, whose values are tables: mappings or sequences of rows, each of which stands
    on a line of its own. A row that holds a table is laid out likewise, and its rows count instead of itself.

    Raises:
        FewerRowsError: The document there has more rows, and *allow_fewer* is not set.
    """
    names = frozenset(tables)
    rows = dict(_rows(content, names))
    before = dict(_rows(json.loads(path.read_bytes()), names)) if path.exists() else {}
    document = {"generator": generator, "source": source, "rows": len(rows)} | dict(content)
    _replace(path, _open_out(document, names) + "\n", before=before, after=rows, allow_fewer=allow_fewer)


def write_lines(
    path: Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    header: Mapping[str, Any],
    key: str,
    undated: str = "",
    allow_fewer: bool = False,
) -> None:
    """Write *header* and then *rows* as JSON lines; the value under *key* names a row.

    Where nothing else changed, the value that the header has under *undated*, such as the day of the run, stays as it
    was: the same facts give the same bytes.

    Raises:
        FewerRowsError: The file there has more rows, and *allow_fewer* is not set.
    """
    head, *before = path.read_text(encoding="utf-8").splitlines() if path.exists() else ["{}"]
    lines = [*map(_line, rows)]
    as_before = dict(header) | {undated: json.loads(head).get(undated)}
    first = head if [_line(as_before), *lines] == [head, *before] else _line(header)
    _replace(
        path,
        "\n".join([first, *lines]) + "\n",
        before={row[key]: row for row in map(json.loads, before)},
        after={row[key]: row for row in rows},
        allow_fewer=allow_fewer,
    )


def describe_difference(before: Rows, after: Rows) -> str:
    """How many rows were added, changed and removed, with the names of the first few; empty where none were."""
    kinds = {
        "added": [name for name in after if name not in before],
        "changed": [name for name, row in after.items() if name in before and before[name] != row],
        "removed": [name for name in before if name not in after],
    }
    return "; ".join(f"{len(names)} {kind} ({_few(names)})" for kind, names in kinds.items() if names)


def _few(names: list[str]) -> str:
    return ", ".join(map(_shorten, names[:_MOST_NAMES])) + (", …" if len(names) > _MOST_NAMES else "")


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _replace(path: Path, text: str, *, before: Rows, after: Rows, allow_fewer: bool) -> None:
    if len(after) < len(before) and not allow_fewer:
        raise FewerRowsError(path, before=len(before), after=len(after))
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    unfinished.replace(path)
    print(f"{path.name}: {describe_difference(before, after) or 'same rows, new layout'}", file=sys.stderr)


# --- a row a line --------------------------------------------------------------------------------------------


def _rows(value: Any, tables: frozenset[str], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every row of the tables within the mapping *value*, with the path of keys that leads to it."""
    for key, item in value.items():
        if key not in tables:
            if _holds_table(item, tables):
                yield from _rows(item, tables, f"{path}{key}/")
            continue
        # A row of a sequence has no name but what it says.
        named = item.items() if isinstance(item, dict) else ((_line(row), row) for row in item)
        for name, row in named:
            if _holds_table(row, tables):
                yield from _rows(row, tables, f"{path}{key}/{name}/")
            else:
                yield f"{path}{key}/{name}", row


def _lay_out(value: Any, tables: frozenset[str], name: str) -> str:
    is_open = name in tables or _holds_table(value, tables)
    return _open_out(value, tables) if is_open and value else _compact(value)


def _open_out(value: Any, tables: frozenset[str]) -> str:
    if isinstance(value, dict):
        rows = (f"{json.dumps(key)}:{_lay_out(item, tables, key)}" for key, item in value.items())
        return "{\n" + ",\n".join(rows) + "\n}"
    return "[\n" + ",\n".join(map(_compact, value)) + "\n]"


def _holds_table(value: Any, tables: frozenset[str]) -> bool:
    return isinstance(value, dict) and (
        not tables.isdisjoint(value) or any(_holds_table(item, tables) for item in value.values())
    )


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _line(row: object) -> str:
    return json.dumps(row, separators=(", ", ": "), ensure_ascii=False)
