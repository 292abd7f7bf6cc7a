"""What is kept as JSON comes back as it was, and nothing else comes back at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from packaging.version import Version

from envlock.formats.plain_values import from_plain, to_plain


@dataclass(frozen=True)
class Part:
    name: str
    size: int | None = None


@dataclass(frozen=True)
class Whole:
    version: Version
    parts: tuple[Part, ...]
    marks: frozenset[Literal["old", "new"]]
    numbers: Mapping[str, float]
    pairs: tuple[tuple[str, int], ...]
    is_good: bool
    best: Part | None


WHOLE = Whole(
    version=Version("2.4.0rc1"),
    parts=(Part("a", 1), Part("b")),
    marks=frozenset({"old", "new"}),
    numbers={"x": 0.5, "y": 2.0},
    pairs=(("one", 1), ("two", 2)),
    is_good=True,
    best=None,
)


def test_a_value_comes_back_from_json_as_it_was() -> None:
    assert from_plain(Whole, json.loads(json.dumps(to_plain(WHOLE)))) == WHOLE


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 2),
        ("version", "no version"),
        ("parts", {"name": "a"}),
        ("parts", [{"name": "a"}]),
        ("parts", [{"name": "a", "size": 1, "colour": "red"}]),
        ("parts", [{"name": "a", "size": True}]),
        ("marks", ["broken"]),
        ("numbers", [0.5]),
        ("pairs", [["one", 1, 1]]),
        ("is_good", 1),
        ("best", "a"),
    ],
)
def test_what_is_no_such_value_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_plain(Whole, {**to_plain(WHOLE), field: value})
