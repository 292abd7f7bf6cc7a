"""JSON from artifacts: text to plain values, with size and depth bounded before it is parsed."""

from __future__ import annotations

import json
import re

from envlock.errors import DamagedFileError, LimitExceededError

LARGEST_TEXT = 32 * 1024 * 1024
"""Bytes or characters: the largest configurations seen hold a few MB, and parsed values take several times that."""

MOST_VALUES = 500_000
"""Members of objects and arrays together: a vocabulary kept in a configuration has some 100,000."""

DEEPEST_VALUE = 200
"""Objects and arrays within one another; models nested in models reach a few dozen."""

# Strings and what lies between them are passed over whole, since a bracket in a string opens nothing. No part of
# the pattern can fail once it has begun, so that the search takes linear time on any text.
_STRINGS_OR_BRACKET = re.compile(r'(?:"[^"\\]*(?:\\.[^"\\]*)*"?[^"\[\]{}]*){1,64}|[\[{]|[\]}]', re.DOTALL)
_LONG_NUMBER = re.compile(r"(?<![0-9])[0-9]{1000}")


def parse_json(text: str | bytes, *, where: str) -> object:
    """Parse *text* to dicts, lists, strings, numbers, booleans and ``None``.

    ``NaN`` and ``Infinity``, which Keras writes, are numbers here.

    Raises:
        LimitExceededError: It is larger than 32 MiB, holds over 500,000 values, or is nested over 200 deep.
        DamagedFileError: It is no JSON, no UTF-8, or holds a number of thousands of digits; the offset counts
            characters, or bytes where the encoding is broken.
    """
    _check(len(text), LARGEST_TEXT, what="size of the JSON text", where=where)
    decoded = _decode(text, where=where) if isinstance(text, bytes) else text
    _check(sum(map(decoded.count, ",[{")), MOST_VALUES, what="number of JSON values", where=where)
    _check(_depth(decoded), DEEPEST_VALUE, what="depth of the JSON text", where=where)
    try:
        value: object = json.loads(decoded)
    except json.JSONDecodeError as error:
        raise DamagedFileError(where, f"is no valid JSON: {error.msg}", offset=error.pos) from error
    except ValueError as error:
        # Python converts no number of thousands of digits, since that takes time by the square of their count.
        number = _LONG_NUMBER.search(decoded)
        offset = number.start() if number else None
        raise DamagedFileError(where, "holds a number of thousands of digits", offset=offset) from error
    return value


def _decode(text: bytes, *, where: str) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DamagedFileError(where, "is no UTF-8", offset=error.start) from error


def _depth(text: str) -> int:
    """The most brackets that are open at once."""
    if text.count("[") + text.count("{") <= DEEPEST_VALUE:
        return 0
    depth = deepest = 0
    for token in _STRINGS_OR_BRACKET.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in "]}":
            depth -= 1
    return deepest


def _check(found: int, limit: int, *, what: str, where: str) -> None:
    if found > limit:
        raise LimitExceededError(where, what=what, limit=limit, found=found)
