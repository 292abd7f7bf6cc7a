"""Predictions and dates agree with all that was observed, except for the misses whose cause is known."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.matrix.observations import OBSERVED
from tests.matrix.score_dating import Dating, date_all
from tests.matrix.score_predictions import HALVES, Comparison, Half, compare_all, half_of, score

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

AIM = 0.995

KNOWN_MISSES: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "known_misses.toml").read_text(encoding="utf-8")
)["miss"]

SAVERS = sorted(path.stem for path in OBSERVED.glob("*.json"))


@cache
def comparisons() -> tuple[Comparison, ...]:
    return tuple(compare_all())


@cache
def datings() -> tuple[Dating, ...]:
    return tuple(date_all())


def is_known(miss: Comparison, known: dict[str, Any]) -> bool:
    return (
        fnmatchcase(miss.subject, known["subject"])
        and miss.kind == known["kind"]
        and miss.predicted is (known["predicted"] == "loads")
        and miss.saver in known.get("savers", [miss.saver])
        and miss.loader in known.get("loaders", [miss.loader])
    )


def unexplained() -> Iterator[Comparison]:
    for item in comparisons():
        if item.is_miss and not any(is_known(item, known) for known in KNOWN_MISSES):
            yield item


@pytest.mark.parametrize("saver", SAVERS)
def test_predictions_agree_with_what_was_observed(saver: str) -> None:
    assert [item for item in unexplained() if item.saver == saver] == []


@pytest.mark.parametrize("known", KNOWN_MISSES, ids=lambda known: f"{known['subject']}, {known['predicted']}")
def test_a_known_miss_is_still_one(known: dict[str, Any]) -> None:
    assert any(is_known(item, known) for item in comparisons() if item.is_miss)


@pytest.mark.parametrize("half", HALVES)
def test_successes_and_failures_are_predicted_as_well_as_aimed_for(half: Half) -> None:
    found = score(item for item in comparisons() if half_of(item.subject) == half)

    assert [share for share in found.shares if share is None or share < AIM] == []


def test_the_line_that_saved_an_artifact_is_among_those_that_can_have() -> None:
    assert [item for item in datings() if item.window and not item.is_inside] == []
