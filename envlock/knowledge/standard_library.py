"""Which modules come with a Python."""

from __future__ import annotations

from envlock.knowledge.datafiles import read_json
from envlock.knowledge.releases import line_order
from envlock.knowledge.spans import holds


def is_in_standard_library(module: str, python: str) -> bool:
    """Whether the Python line brings the module, which may be dotted.

    A line that is not in the table has what the next one has, or what the newest has.
    """
    table, lines = read_json("standard_library.json"), surveyed_lines()
    later = (number for number, line in enumerate(lines) if line_order(line) >= line_order(python))
    return holds(table["modules"].get(module.partition(".")[0]), next(later, len(lines) - 1))


def lines_with_module(module: str) -> tuple[str, ...]:
    """The Python lines that bring a top-level module, oldest first."""
    spans = read_json("standard_library.json")["modules"].get(module)
    return tuple(line for index, line in enumerate(surveyed_lines()) if holds(spans, index))


def surveyed_lines() -> tuple[str, ...]:
    """The Python lines that the table has, oldest first."""
    return tuple(read_json("standard_library.json")["lines"])
