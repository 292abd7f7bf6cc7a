"""Names, keywords and syntax are told with the releases that have them."""

from __future__ import annotations

import ast
import re

import pytest

from envlock.knowledge.api_uses import dated_keyword, dated_layouts, dated_names, dated_standard_module, dated_syntax
from envlock.knowledge.datafiles import read_toml

NAMES = [
    ("tensorflow.contrib.layers.conv2d", ["tensorflow.contrib tensorflow <2"]),
    ("tensorflow.Session", ["tensorflow.Session tensorflow <2"]),
    ("tensorflow.compat.v1.Session", ["tensorflow.compat.v1 tensorflow >=1.13"]),
    ("tensorflow.function", ["tensorflow.function tensorflow >=1.13"]),
    ("tensorflow.data.AUTOTUNE", ["tensorflow.data.AUTOTUNE tensorflow >=2.4"]),
    ("tensorflow.data.Dataset.from_generator", []),
    (
        "tensorflow.keras.layers.TextVectorization",
        ["tensorflow.keras tensorflow >=1.4", "tensorflow.keras.layers.TextVectorization tensorflow >=2.6"],
    ),
    ("tensorflow.keras.layers.ThresholdedReLU", ["tensorflow.keras.layers.ThresholdedReLU tensorflow <2.16"]),
    ("tensorflow.keras.layers.Layer", ["tensorflow.keras tensorflow >=1.4"]),
    ("keras.models.Sequential", []),
    ("tensorflow.keras.layers.Dense", ["tensorflow.keras tensorflow >=1.4"]),
    ("keras.layers.MultiHeadAttention", ["keras.layers.MultiHeadAttention keras >=2.4"]),
    ("keras.layers.Lambda", []),
    ("keras.layers.MelSpectrogram", ["keras.layers.MelSpectrogram keras >=3.1"]),
    ("keras.layers.Dense", []),
    ("keras.engine.topology.Layer", ["keras.engine.topology keras <2.6"]),
    ("numpy.array", []),
    ("tensorflows.contrib", []),
]


@pytest.mark.parametrize(("dotted", "known"), NAMES)
def test_a_name_is_known_by_the_longest_part_that_a_table_has(dotted: str, known: list[str]) -> None:
    assert [" ".join(item) for item in dated_names(dotted)] == known


def test_a_keyword_is_known_with_what_is_called() -> None:
    called = "tensorflow.keras.optimizers.Adam"

    assert dated_keyword(called, "lr") == (f"{called}(lr)", "tensorflow", "<2.11")
    assert dated_keyword(called, "learning_rate") is None
    assert dated_keyword("tensorflow.keras.layers.Dense", "lr") is None


@pytest.mark.parametrize(
    ("module", "releases"),
    [
        ("urllib2", "<3"),
        ("dataclasses", ">=3.7"),
        ("imp", "<3.12"),
        ("urllib.request", None),
        ("json", None),
        ("keras", None),
    ],
)
def test_a_module_of_python_is_known_by_the_lines_that_bring_it(module: str, releases: str | None) -> None:
    found = dated_standard_module(module)

    assert (found and found.releases) == releases


def test_syntax_is_known_by_the_class_of_its_node() -> None:
    assert dated_syntax("NamedExpr") == ("assignment expression", "python", ">=3.8")
    assert dated_syntax("Call") is None


def test_the_table_names_each_thing_once() -> None:
    table = read_toml("api_uses.toml")
    names = [name for row in table["use"] for name in row["names"]]

    assert sorted(set(names)) == sorted(names)
    assert [name for name in names if not re.fullmatch(r"\w+(\.\w+)+", name)] == []
    assert [row["node"] for row in table["syntax"] if row["node"] not in {*dir(ast), "TryStar", "TypeAlias"}] == []


@pytest.mark.parametrize("layout", dated_layouts(), ids=lambda layout: layout.name)
def test_a_pattern_takes_time_that_grows_with_the_line(layout: object) -> None:
    pattern: re.Pattern[str] = layout.pattern  # type: ignore[attr-defined]

    for text in (
        " " * 100_000,
        "except " + "(" * 50_000,
        "except (" + "a, " * 30_000,
        "raise " + "a." * 50_000,
        "print " * 9,
    ):
        pattern.search(text)
