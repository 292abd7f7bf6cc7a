"""In which versions something holds, as the tables write it."""

from __future__ import annotations

from typing import Any

import pytest
from spans import spans_by_name, spans_of


@pytest.mark.parametrize(
    ("indices", "spans"), [([], []), ([3], [[3, 3]]), ([0, 1, 2, 5], [[0, 2], [5, 5]]), ({2, 1}, [[1, 2]])]
)
def test_spans_cover_exactly_what_they_are_made_from(indices: Any, spans: list[list[int]]) -> None:
    assert spans_of(indices) == spans


def test_names_are_sorted_with_the_spans_that_have_them() -> None:
    assert list(spans_by_name({0: ["b", "a"], 1: ["b"], 3: ["a"]}).items()) == [
        ("a", [[0, 0], [3, 3]]),
        ("b", [[0, 1]]),
    ]
