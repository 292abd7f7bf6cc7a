"""The fewest sets that together hold everything."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

Element = TypeVar("Element")

_MOST_STEPS = 20_000
"""Sets that are looked at before the best that was found is taken: far more than any real project needs."""


def fewest_sets(
    sets: Collection[frozenset[Element]], *, cost: Callable[[frozenset[Element]], int]
) -> tuple[frozenset[Element], ...]:
    """The smallest selection of *sets* that covers what all of them hold, of several the one that costs least.

    The selection is exact unless that would take very long; a greedy one is the bound that has to be beaten. The order
    of *sets* decides between equals.
    """
    best = _greedy(sets)
    steps = _MOST_STEPS

    def total(selection: Collection[frozenset[Element]]) -> tuple[int, int]:
        return len(selection), sum(map(cost, selection))

    def search(chosen: tuple[frozenset[Element], ...], missing: frozenset[Element]) -> None:
        nonlocal best, steps
        steps -= 1
        if not missing:
            best = min(best, chosen, key=total)
            return
        largest = max(len(missing & item) for item in sets)
        if steps <= 0 or len(chosen) + -(-len(missing) // largest) > len(best):
            return
        for item in _choices(sets, missing):
            search((*chosen, item), missing - item)

    search((), frozenset[Element]().union(*sets))
    return best


def _choices(sets: Collection[frozenset[Element]], missing: frozenset[Element]) -> Iterator[frozenset[Element]]:
    """The sets that hold the element with the fewest of them: one of these has to be taken."""
    holding = [[item for item in sets if element in item] for element in missing]
    fewest = min(len(items) for items in holding)
    # Elements have no order of their own: the first set in the order of *sets* tells which of several is meant.
    order = {item: place for place, item in enumerate(sets)}
    return iter(min((items for items in holding if len(items) == fewest), key=lambda items: [order[i] for i in items]))


def _greedy(sets: Collection[frozenset[Element]]) -> tuple[frozenset[Element], ...]:
    missing = frozenset[Element]().union(*sets)
    chosen: list[frozenset[Element]] = []
    while missing:
        chosen.append(max(sets, key=lambda item: len(missing & item)))
        missing -= chosen[-1]
    return tuple(chosen)
