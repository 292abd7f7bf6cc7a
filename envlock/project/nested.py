"""Values that a foreign file holds, of whatever shape: tables and texts where there are some, nothing where not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from envlock.errors import LimitExceededError
from envlock.formats import toml_text

_LARGEST_TOML = 8 * 1024 * 1024

_KEY = re.compile(r"[ \t]*[\"']?([\w.-]+)[\"']?[ \t]*[=:]")


def parse_toml(text: str) -> Mapping[str, object]:
    """The tables of a TOML document.

    Raises:
        DamagedFileError: It is none.
        LimitExceededError: It is larger than 8 MiB.
    """
    if len(text) > _LARGEST_TOML:
        raise LimitExceededError("its text", what="size", limit=_LARGEST_TOML, found=len(text))
    return toml_text.parse_toml(text.encode("utf-8", "surrogatepass"), where="its text")


def table_at(value: object, *keys: str) -> Mapping[str, object]:
    """The table below *keys*; an empty one where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def items_of(value: object) -> list[object]:
    """The items of a list; a single value is one of its own, and ``None`` is none."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def texts_in(value: object) -> list[str]:
    """The texts of a list, or the one that stands in its place; numbers as they are written."""
    return [str(item) for item in items_of(value) if isinstance(item, str | int | float) and not isinstance(item, bool)]


def line_with(text: str, *needles: str) -> int | None:
    """The number of the line that holds the last of *needles*, searched for one behind the other; from 1 on.

    ``None`` where one is not there: parsers of tables do not tell where a value stood.
    """
    position = -1
    for needle in needles:
        position = text.find(needle, position + 1)
        if position < 0:
            return None
    return text.count("\n", 0, position) + 1


def line_of_key(text: str, key: str, section: str = "") -> int | None:
    """The number of the line that begins with *key*, behind *section* where that is there; from 1 on."""
    start = max(text.find(section), 0)
    places = _places_of_keys(text).get(key.lower(), ())
    return next((line for position, line in places if position >= start), None)


@lru_cache(maxsize=1)
def _places_of_keys(text: str) -> dict[str, list[tuple[int, int]]]:
    """Where each key begins a line, and the number of that line: asked of one text many times in a row."""
    places: dict[str, list[tuple[int, int]]] = {}
    position = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if found := _KEY.match(line):
            places.setdefault(found[1].lower(), []).append((position, number))
        position += len(line) + 1
    return places
