from __future__ import annotations

import json
import math
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.errors import ArtifactError
from envlock.formats.json_text import DEEPEST_VALUE, LARGEST_TEXT, MOST_VALUES, parse_json

JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


@given(JSON_VALUES, st.booleans())
def test_what_json_writes_is_read_back(value: object, as_bytes: bool) -> None:
    text = json.dumps(value)

    assert parse_json(text.encode() if as_bytes else text, where="config") == value


def test_the_numbers_that_only_python_writes_are_read() -> None:
    assert parse_json('[Infinity, -Infinity, 1e999, "NaN"]', where="config") == [math.inf, -math.inf, math.inf, "NaN"]
    assert math.isnan(parse_json("NaN", where="config"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "config at offset 0: is no valid JSON: Expecting value"),
        ('{"a": 1', "config at offset 7: is no valid JSON: Expecting ',' delimiter"),
        ('{"a": nul}', "config at offset 6: is no valid JSON: Expecting value"),
        (b'{"a": "\xff"}', "config at offset 7: is no UTF-8"),
        ("[1, " + "9" * 5000 + "]", "config at offset 4: holds a number of thousands of digits"),
        ("[" * 201 + "]" * 201, "config: depth of the JSON text 201 is over the limit of 200"),
        ("[" * 5_000, "config: depth of the JSON text 5000 is over the limit of 200"),
        ("[" + "0," * MOST_VALUES + "0]", "config: number of JSON values 500001 is over the limit of 500000"),
        (" " * (LARGEST_TEXT + 1), "config: size of the JSON text 33554433 is over the limit of 33554432"),
    ],
    ids=["empty", "cut", "word", "encoding", "digits", "depth", "unclosed", "values", "size"],
)
def test_text_that_cannot_be_parsed_is_refused_with_its_place(text: str | bytes, message: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        parse_json(text, where="config")

    assert str(caught.value) == message


def test_brackets_within_strings_do_not_count_as_depth() -> None:
    value = ["[" * (2 * DEEPEST_VALUE), 'an escaped quote " [[[', {"{[": []}] * 200

    assert parse_json(json.dumps(value), where="config") == value


@pytest.mark.parametrize("unit", ['"', '\\"', '"[', '"\\', "[]"], ids=["quotes", "escapes", "opened", "cut", "pairs"])
def test_hostile_text_is_refused_in_no_time(unit: str) -> None:
    start = time.process_time()

    with pytest.raises(ArtifactError):
        parse_json("[" * 201 + unit * 400_000, where="config")
    assert time.process_time() - start < 2


@given(st.text() | st.binary())
def test_any_input_gives_a_value_or_an_artifact_error(text: str | bytes) -> None:
    with suppress(ArtifactError):
        parse_json(text, where="config")
