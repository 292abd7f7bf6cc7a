"""Text from outside, made fit to be shown: on a terminal, on one line, without credentials."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


def printable(text: str, limit: int = 200) -> str:
    """*text* with everything that could act on a terminal as a Python escape, cut after *limit* characters.

    The limit counts characters of *text*; ``…`` marks what was cut.
    """
    shown = text[:limit]
    escaped = shown if shown.isprintable() else "".join(_escaped(character) for character in shown)
    return escaped if len(text) <= limit else f"{escaped}…"


def first_line(text: str) -> str:
    """The first line of *text* that is not empty; empty where there is none."""
    return text.strip().partition("\n")[0]


def one_line(text: str, limit: int = 300) -> str:
    """All of *text* on one line: runs of white space become one space, cut after *limit* characters."""
    joined = " ".join(text.split())
    return joined if len(joined) <= limit else f"{joined[:limit]}…"


def without_credentials(text: str) -> str:
    """*text* without the user and the password of every address in it."""
    return _CREDENTIALS.sub("", text)


def _escaped(character: str) -> str:
    """Escaped where Unicode calls it control, format (bidi, zero width), surrogate, unassigned or a separator."""
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
