"""The fewest sets that hold everything."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.onboarding.cover import fewest_sets

SETS = st.lists(st.frozensets(st.sampled_from("abcdef"), min_size=1), min_size=1, max_size=8, unique=True)


def no_cost(_: frozenset[str]) -> int:
    return 0


def sets(*texts: str) -> list[frozenset[str]]:
    return [frozenset(text) for text in texts]


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        pytest.param([], [], id="nothing to cover"),
        pytest.param(["ab"], ["ab"], id="one for all"),
        pytest.param(["ab", "bc", "cd"], ["ab", "cd"], id="two for all"),
        # The largest set first would need three.
        pytest.param(["abcd", "abe", "cdf"], ["abe", "cdf"], id="greed would take more"),
    ],
)
def test_as_few_sets_as_can_be_are_chosen(offered: Sequence[str], chosen: Sequence[str]) -> None:
    assert sorted(fewest_sets(sets(*offered), cost=no_cost), key=sorted) == sets(*chosen)


def test_of_several_selections_the_cheapest_is_chosen() -> None:
    costs = dict(zip(sets("ab", "cd", "ac", "bd"), [1, 1, 1, 0], strict=True))

    assert set(fewest_sets(list(costs), cost=costs.__getitem__)) == {frozenset("ac"), frozenset("bd")}


@given(SETS)
def test_no_smaller_selection_covers_everything(offered: list[frozenset[str]]) -> None:
    everything = frozenset[str]().union(*offered)

    chosen = fewest_sets(offered, cost=no_cost)

    assert frozenset[str]().union(*chosen) == everything
    assert not any(
        frozenset[str]().union(*fewer) == everything for fewer in combinations(offered, max(len(chosen) - 1, 0))
    )


@given(SETS)
def test_the_same_sets_lead_to_the_same_selection(offered: list[frozenset[str]]) -> None:
    assert fewest_sets(offered, cost=len) == fewest_sets(list(offered), cost=len)
