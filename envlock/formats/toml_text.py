"""TOML from anybody: bytes to plain values, with what would keep the parser busy refused before it is parsed."""

from __future__ import annotations

import re
import sys
from typing import Any

from envlock.errors import DamagedFileError
from envlock.formats.text import one_line

_MOST_DOTS = 256
"""In a line: parsers take time by the square of the parts of a dotted key, minutes for one of 100 kB."""

# Quoted text, to its end or that of the line: the dots of addresses and versions cost nothing.
_QUOTED = re.compile(r"""\"(?:[^\"\\]|\\.)*\"?|'[^']*'?""")


def parse_toml(text: bytes, *, where: str) -> dict[str, Any]:
    """Parse *text*, whose size the caller bounds, to dicts, lists, strings, numbers, booleans, dates and times.

    A byte order mark is passed over: editors put one where a person does not see it.

    Raises:
        DamagedFileError: It is no TOML, or an odd one that nobody writes by hand.
    """
    # Most commands meet none.
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        decoded = text.decode("utf-8-sig")
        if any(map(_has_too_many_dots, decoded.splitlines())):
            raise DamagedFileError(where, f"holds a line of more than {_MOST_DOTS} dots outside of quotes")
        document: dict[str, Any] = tomllib.loads(decoded)
    except UnicodeDecodeError as error:
        raise DamagedFileError(where, f"is no TOML, since it is no UTF-8 at byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise DamagedFileError(where, f"is no TOML: {one_line(str(error))}") from error
    except RecursionError as error:
        raise DamagedFileError(where, "is no TOML that a person would write: it is nested too deep") from error
    except ValueError as error:
        # Python converts no number of thousands of digits, since that takes time by the square of their count.
        raise DamagedFileError(where, "is no TOML: it holds a number of thousands of digits") from error
    return document


def _has_too_many_dots(line: str) -> bool:
    return line.count(".") > _MOST_DOTS and _QUOTED.sub("", line).count(".") > _MOST_DOTS
