"""A mapping to TOML: a heading for each table, and a line for each key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime


def render_toml(document: Mapping[str, object]) -> str:
    """The text of *document*, keys in their order, values before tables as the format asks for.

    Values are strings, whole numbers, times in UTC, and sequences and mappings of them. Keys are written as they are,
    so that they have to be letters, digits, ``-`` and ``_``.
    """
    return "\n\n".join(_sections(document, "")) + "\n"


def _sections(table: Mapping[str, object], path: str) -> Iterator[str]:
    prefix = f"{path}." if path else ""
    rows = {key: value for key, value in table.items() if not path and _is_tables(value)}
    tables = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    values = {key: value for key, value in table.items() if key not in rows and key not in tables}
    if values or not (tables or rows):
        yield "\n".join([f"[{path}]"] * bool(path) + _assignments(values))
    for key, value in rows.items():
        yield from ("\n".join([f"[[{key}]]", *_assignments(row)]) for row in value)  # type: ignore[attr-defined]
    for key, value in tables.items():
        yield from _sections(value, f"{prefix}{key}")


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _assignments(table: Mapping[str, object]) -> list[str]:
    return [f"{key} = {_outer_value(value)}" for key, value in table.items()]


def _outer_value(value: object) -> str:
    """As :func:`_value` has it, a sequence of several tables opened out."""
    if isinstance(value, Sequence) and len(value) > 1 and isinstance(value[0], Mapping):
        return "[\n" + "".join(f"    {_value(item)},\n" for item in value) + "]"
    return _value(value)


def _value(value: object) -> str:
    match value:
        case str():
            # The escapes of JSON are those of TOML, which also wants this one.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int():
            return str(value)
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Mapping():
            return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
        case Sequence():
            return "[" + ", ".join(map(_value, value)) + "]"
    raise TypeError(f"{type(value).__name__} has no place in TOML")
