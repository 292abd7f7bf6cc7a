"""Ranges of versions, as the tables write them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import cache

_Numbers = tuple[int, ...]
_Bound = tuple[Callable[[_Numbers, _Numbers], bool], _Numbers]


@cache
def admits(specifier: str, version: str) -> bool:
    """Whether a PEP 440 specifier, such as ``>=2.4,<2.6``, admits *version*, pre-releases included."""
    # Importing packaging.specifiers takes longer than reading most models, and nearly all bounds are plain numbers.
    numbers, bounds = _numbers_of(version), _plain_bounds(specifier)
    if numbers is not None and bounds is not None:
        return all(holds(numbers, bound) for holds, bound in bounds)
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(specifier).contains(version, prereleases=True)


_COMPARISONS: dict[str, Callable[[_Numbers, _Numbers], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}
_PLAIN_BOUND = re.compile(r"\s*([<>]=?|[=!]=|~=(?=\s*\d+\.))\s*(\d+(?:\.\d+)*)(rc\d+)?\s*", re.ASCII)


@cache
def _plain_bounds(specifier: str) -> tuple[_Bound, ...] | None:
    """The bounds of a specifier that knows numbers alone; ``None`` where packaging has to be asked."""
    bounds: list[_Bound] = []
    for part in specifier.split(",") if specifier else ():
        match = _PLAIN_BOUND.fullmatch(part)
        if match is None:
            return None
        comparison, text, candidate = match.groups()
        # Of plain releases, those from 2.9.0rc0 on are those from 2.9.0 on.
        if candidate is not None and comparison != ">=":
            return None
        if comparison == "~=":
            # ~=2.6.1 is >=2.6.1,<2.7
            *kept, last = map(int, text.split(".")[:-1])
            bounds.append((operator.lt, (*kept, last + 1)))
            comparison = ">="
        bounds.append((_COMPARISONS[comparison], _numbers_of(text) or ()))
    return tuple(bounds)


def _numbers_of(version: str) -> _Numbers | None:
    """The numbers of a plain release without the zeros at its end, which mean nothing; ``None`` for any other."""
    parts = version.split(".")
    if not all(part.isdecimal() for part in parts):
        return None
    while parts and not int(parts[-1]):
        parts.pop()
    return tuple(map(int, parts))
