"""Span lists: how the tables say in which versions something holds.

A span list is ``[[first, last], ...]``, inclusive indices into the versions of the same table; ``1`` stands for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def holds(spans: Any, index: int) -> bool:
    """Whether the span list covers *index*; ``None`` covers nothing."""
    if spans is None:
        return False
    if spans == 1:
        return True
    return any(first <= index <= last for first, last in spans)


def names_at(always: Iterable[str], spanned: Mapping[str, Any], index: int) -> frozenset[str]:
    """The names that hold at *index*: those of *always*, and those whose spans cover it."""
    return frozenset(always) | {name for name, spans in spanned.items() if holds(spans, index)}
