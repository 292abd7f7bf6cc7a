"""Which releases have a function at a line of a file: what frames of a traceback tell of their origin."""

from __future__ import annotations

from collections.abc import Iterable

from envlock.knowledge.datafiles import read_json
from envlock.knowledge.releases import line_of_text, sort_lines

FunctionPlace = tuple[str, str, int | None]
"""File as it is installed, such as ``keras/src/saving/saving_api.py``; function; line number where it is known."""


def lines_with(places: Iterable[FunctionPlace]) -> dict[str, tuple[str, ...]]:
    """By distribution, the release lines that have all *places*, oldest first; without those that have none of them.

    Places that no release has, such as those of a nightly build, have no say.
    """
    found: dict[str, frozenset[str]] = {}
    for place in places:
        for distribution, lines in _lines_of_place(*place).items():
            both = found.get(distribution, lines) & lines
            # A traceback may be put together from several; the first frames count.
            found[distribution] = both or found[distribution]
    return {distribution: sort_lines(lines) for distribution, lines in sorted(found.items())}


def _lines_of_place(path: str, function: str, line: int | None) -> dict[str, frozenset[str]]:
    table = read_json("function_spans.json")
    lines: dict[str, set[str]] = {}
    for first, last, oldest, newest in table["files"].get(path, {}).get(function, ()):
        if line is None or first <= line <= last:
            for release in table["releases"][oldest : newest + 1]:
                distribution, _, version = release.partition(" ")
                lines.setdefault(distribution, set()).add(line_of_text(version))
    return {distribution: frozenset(found) for distribution, found in lines.items()}
