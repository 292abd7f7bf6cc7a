from __future__ import annotations

import contextlib
import json
import math
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.errors import ArtifactError, DamagedFileError, EnvlockError, LimitExceededError, UnsupportedFeatureError
from envlock.formats.yaml_text import Tag, YamlDocument, parse_yaml


def value_of(text: str) -> object:
    return parse_yaml(text, where="config").value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("", None, id="nothing"),
        pytest.param("a: 1\nb: two words\n", {"a": 1, "b": "two words"}, id="mapping"),
        pytest.param("--- \na: 1\n...\n", {"a": 1}, id="document marks"),
        pytest.param("- a\n- - b\n  - c\n- d: 1\n  e: 2\n", ["a", ["b", "c"], {"d": 1, "e": 2}], id="sequences"),
        pytest.param("a:\n- 1\n- 2\nb: 3\n", {"a": [1, 2], "b": 3}, id="items below their key"),
        pytest.param("a:\n  b:\n    c:\nd:\n", {"a": {"b": {"c": None}}, "d": None}, id="empty values"),
        pytest.param("a: {b: [1, {c: d}], 'e': }\n", {"a": {"b": [1, {"c": "d"}], "e": None}}, id="flows"),
        pytest.param("a: [null, 4,\n    x y]\n", {"a": [None, 4, "x y"]}, id="flow over lines"),
        pytest.param("a: !!python/tuple [null, 4]\n", {"a": [None, 4]}, id="tuple"),
        pytest.param("a: !!python/tuple\n- 1\n", {"a": [1]}, id="tuple in a block"),
        pytest.param("a: &x {b: 1}\nc: *x\n", {"a": {"b": 1}, "c": {"b": 1}}, id="alias"),
        pytest.param("a: &x\n  b: 1\nc: [*x]\n", {"a": {"b": 1}, "c": [{"b": 1}]}, id="alias of a block"),
        pytest.param("a: # why\n  # because\n  b\n", {"a": "b"}, id="comments"),
        pytest.param("a: one\n  two\n\n  three\n", {"a": "one two\nthree"}, id="folded plain text"),
        pytest.param("a: 'it''s'\n", {"a": "it's"}, id="single quotes"),
        pytest.param('a: "x\\n\\u00e9\\x41\\\n  \\ y"\n', {"a": "x\néA y"}, id="double quotes"),
        pytest.param("a: 'one\n\n  two\n  three'\n", {"a": "one\ntwo three"}, id="quotes over lines"),
        pytest.param("a: |\n  one\n    two\nb: >-\n  x\n  y\n", {"a": "one\n  two\n", "b": "x y"}, id="block texts"),
        pytest.param("[yes, No, ~, on, 0x1, 1_0]", [True, False, None, True, "0x1", "1_0"], id="constants"),
        pytest.param("[1.5, -2, 1.0e-07, 1e-7, .5, -.inf]", [1.5, -2, 1e-07, "1e-7", 0.5, -math.inf], id="numbers"),
        pytest.param(
            "[!!str 1, ! 2, '3', !!python/unicode x]", ["1", "2", "3", "x"], id="text that looks like numbers"
        ),
        pytest.param("\"a b\": 1\n'c: d': 2\na#b: 3\n", {"a b": 1, "c: d": 2, "a#b": 3}, id="keys"),
    ],
)
def test_a_document_is_read_as_pyyaml_reads_it(text: str, value: object) -> None:
    assert parse_yaml(text, where="config") == YamlDocument(value, ())


def test_tags_are_reported_with_their_lines_and_their_values_read_as_plain_ones() -> None:
    text = "a: !!python/object/apply:os.system\n- id\nb: [!mine {c: 1}]\n"

    assert parse_yaml(text, where="config") == YamlDocument(
        {"a": ["id"], "b": [{"c": 1}]}, (Tag("!!python/object/apply:os.system", 1), Tag("!mine", 3))
    )


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("a: *nobody\n", DamagedFileError, "config at offset 10: is no valid YAML: nothing before it is called nobody"),
        ("a: &x [*x]", DamagedFileError, "config at offset 9: is no valid YAML: nothing before it is called x"),
        ("a: 'open", DamagedFileError, "config at offset 3: is no valid YAML: a quoted text does not end"),
        ("a: [1, 2", DamagedFileError, "config at offset 8: is no valid YAML: expected a comma or ]"),
        ("a: 1\nb\n", DamagedFileError, "config at offset 5: is no valid YAML: expected a key"),
        ("- a\nb: 1\n", DamagedFileError, "config at offset 4: is no valid YAML: expected the end of the document"),
        ("? a\n: b\n", UnsupportedFeatureError, "config: a YAML mapping with complex keys is not supported"),
        ("- " * 200, LimitExceededError, "config: depth of the YAML text 101 is over the limit of 100"),
        ("[" * 200, LimitExceededError, "config: depth of the YAML text 101 is over the limit of 100"),
        ("x" * 2**21, LimitExceededError, "config: size of the YAML text 2097152 is over the limit of 1048576"),
        (
            "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)),
            LimitExceededError,
            "config: number of YAML values 147439 is over the limit of 100000",
        ),
    ],
)
def test_a_text_that_is_not_read_is_refused(text: str, kind: type[ArtifactError], message: str) -> None:
    with pytest.raises(kind) as caught:
        value_of(text)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "[" * 99 + "1," * 400_000,
        "a: " + "\n b" * 300_000,
        "a" + " " * 1_000_000 + "b",
        '"' + " " * 1_000_000,
        "'" + "''" * 500_000,
        "- !x\n" * 200_000,
        "- &a b\n" * 140_000,
        "a:\n" * 300_000,
        "a: |\n" + " x\n" * 300_000,
        '"' + " \n" * 500_000 + '"',
    ],
    ids=lambda text: repr(text[:8]),
)
def test_hostile_text_is_answered_within_two_seconds(text: str) -> None:
    start = time.process_time()
    with contextlib.suppress(EnvlockError):
        value_of(text)
    assert time.process_time() - start < 2


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(_PLAIN)
def test_json_is_read_as_the_yaml_that_it_is(value: object) -> None:
    # Characters beyond the basic plane stand as two escapes in JSON, which YAML does not join.
    assert value_of(json.dumps(value, ensure_ascii=False).replace("\x7f", " ")) == json.loads(
        json.dumps(value, ensure_ascii=False).replace("\x7f", " ")
    )


@given(st.text(alphabet=" \n-:#[]{},&*!|>'\"\\?ab1.\t", max_size=80))
def test_any_text_gives_a_value_or_an_error_of_envlock(text: str) -> None:
    with contextlib.suppress(EnvlockError):
        value_of(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("#\n" * 500_000, id="comments"),
        pytest.param("\n" * 1_000_000, id="empty lines"),
        pytest.param("a: " + "b#" * 500_000, id="number signs"),
        pytest.param("a: [" + "b#" * 500_000 + "]", id="number signs in a flow"),
        pytest.param("a: '" + "''" * 500_000 + "'", id="doubled quotes"),
        pytest.param('a: "' + "\\n" * 500_000 + '"', id="escapes"),
        pytest.param('a: "b' + "\n" * 1_000_000 + '"', id="empty lines within quotes"),
        pytest.param("b" * 1_000_000 + ": a", id="a key without end"),
    ],
)
def test_memory_stays_within_a_small_multiple_of_the_text(text: str) -> None:
    tracemalloc.start()
    try:
        parse_yaml(text, where="config")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 12 * len(text)
