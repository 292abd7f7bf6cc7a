"""What a sheet is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from envlock.knowledge.releases import Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What is known of one side of a release."""

    name: str
    """Key in JSON, kebab-case."""

    title: str
    """As printed."""

    lines: tuple[str, ...]
    """For a person; of any length."""

    value: Any
    """For scripts: plain JSON."""


SectionMaker = Callable[[Release], Iterator[Section]]
"""Yields a section, or none where it does not apply to the release."""


def runs_of(lines: Iterable[str]) -> str:
    """Lines of one major version shortened where they follow each other: ``2.7, 3.6 to 3.9``."""
    runs: list[list[str]] = []
    for line in lines:
        if runs and _follows(runs[-1][-1], line):
            runs[-1].append(line)
        else:
            runs.append([line])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


def _follows(line: str, other: str) -> bool:
    (major, _, minor), (other_major, _, other_minor) = line.partition("."), other.partition(".")
    return major == other_major and minor.isdecimal() and other_minor.isdecimal() and int(other_minor) == int(minor) + 1
