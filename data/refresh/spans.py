"""Span lists: how the tables say in which versions something holds.

A span list is ``[[first, last], ...]``, inclusive indices into the versions of the same table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Spans = list[list[int]]


def spans_of(indices: Iterable[int]) -> Spans:
    """The span list that covers exactly *indices*."""
    spans: Spans = []
    for index in sorted(indices):
        if spans and spans[-1][1] == index - 1:
            spans[-1][1] = index
        else:
            spans.append([index, index])
    return spans


def spans_by_name(names: Mapping[int, Iterable[str]]) -> dict[str, Spans]:
    """Each of the *names* that the versions have, sorted, to the span list of the versions that have it."""
    holders: dict[str, list[int]] = {}
    for index, names_there in names.items():
        for name in names_there:
            holders.setdefault(name, []).append(index)
    return {name: spans_of(holders[name]) for name in sorted(holders)}
