from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.errors import ArtifactError, DamagedFileError, LimitExceededError
from envlock.formats.protobuf_text import DEEPEST_MESSAGE, LARGEST_TEXT, MOST_ESCAPES, MOST_PARTS, Field, encode_text
from tests.formats.wire_encoding import message

COLOURS = {"RED": 1, "BLUE": 2}
INNER = {"name": Field(1, "text"), "size": Field(2, "integer")}
SCHEMA = {
    "text": Field(1, "text"),
    "number": Field(2, "integer"),
    "colour": Field(3, "integer", values=COLOURS),
    "inner": Field(4, "message", INNER),
    "[type.example/Any]": Field(5, "message", INNER),
    "skipped": Field(6, "passed-over"),
}
INNER["inner"] = Field(3, "message", INNER)


def encode(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return encode_text(data, SCHEMA, message="Thing", where="a.pbtxt")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("# only a comment", [], id="comment"),
        pytest.param('text: "a" number: 1', [(1, "a"), (2, 1)], id="fields on a line"),
        pytest.param("text:'a'#x\n,number:1;", [(1, "a"), (2, 1)], id="comments and separators"),
        pytest.param("text: 'a' \"b\"\n'c'", [(1, "abc")], id="adjacent strings"),
        pytest.param(r'text: "\n\t\"\'\\\?\101\x41\u00e4\U0001F600\303\244"', [(1, "\n\t\"'\\?AA\u00e4\U0001f600\u00e4")], id="escapes"),
        pytest.param("number: -1 number: 0x1F number: 017", [(2, -1), (2, 31), (2, 15)], id="whole numbers"),
        pytest.param("number: true number: False number: t", [(2, 1), (2, 0), (2, 1)], id="booleans"),
        pytest.param("colour: BLUE colour: 1 colour: 7", [(3, 2), (3, 1), (3, 7)], id="enumerations"),
        pytest.param("inner { name: 'x' } inner: <size: 3>", [(4, message((1, "x"))), (4, message((2, 3)))], id="messages"),
        pytest.param("inner {inner {inner {}}}", [(4, message((3, message((3, b"")))))], id="nested messages"),
        pytest.param("number: [1, 2] number: []", [(2, 1), (2, 2)], id="list of numbers"),
        pytest.param("inner: [{size: 1}, <>] number: 3", [(4, message((2, 1))), (4, b""), (2, 3)], id="list of messages"),
        pytest.param("[type.example/Any] { size: 1 }", [(5, message((2, 1)))], id="message in an Any"),
        pytest.param("skipped { a: '}' # }\n b < c: 1.5e-7f > } number: 1", [(2, 1)], id="message that is passed over"),
        pytest.param("skipped: -inf skipped: 'a' skipped: [1.5, {}] number: 1", [(2, 1)], id="values that are passed over"),
        pytest.param("inner { unknown { x: 1 } other: nan size: 1 }", [(4, message((2, 1)))], id="unknown fields of a message"),
    ],
)  # fmt: skip
def test_text_becomes_the_wire_form_of_the_same_message(text: str, fields: list[tuple[int, int | str | bytes]]) -> None:
    assert encode(text) == message(*fields)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("other: 1", "a.pbtxt at offset 0: a Thing has no field other"),
        ("number", "a.pbtxt at offset 6: expected a colon or a message"),
        ("number: ", "a.pbtxt at offset 8: expected a value"),
        ("number: 'a'", "a.pbtxt at offset 8: found a string in place of a number or message"),
        ("number: {}", "a.pbtxt at offset 8: found a message in place of a number or string"),
        ("number: 1.5", "a.pbtxt at offset 8: found no whole number and no name of one"),
        ("number: 36893488147419103232", "a.pbtxt at offset 8: found a number of more than 64 bits"),
        ("colour: GREEN", "a.pbtxt at offset 8: found no whole number and no name of one"),
        ("text: 1", "a.pbtxt at offset 6: found a number or name in place of a string or message"),
        ("text: 'a", "a.pbtxt at offset 6: a string has no end"),
        ("text: 'a\nb'", "a.pbtxt at offset 6: a string has no end"),
        (r"text: '\q'", "a.pbtxt at offset 6: a string holds an unknown escape"),
        (r"text: '\ud800'", "a.pbtxt at offset 6: a string escapes what is no character"),
        (r"text: '\377'", "a.pbtxt at offset 6: a string is not valid UTF-8"),
        ("inner { size: 1", "a.pbtxt at offset 15: the text ends within a message"),
        ("inner { size: 1 >", "a.pbtxt at offset 16: expected the name of a field"),
        ("skipped { a { }", "a.pbtxt at offset 15: the text ends within a message"),
        ("skipped { a { > }", "a.pbtxt at offset 14: a message ends with the other kind of bracket"),
        ("number: [1 2]", "a.pbtxt at offset 11: expected a comma or the end of the list"),
        ("}", "a.pbtxt at offset 0: expected the name of a field"),
    ],
)
def test_text_that_is_no_such_message_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(DamagedFileError) as caught:
        encode(text)

    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("inner {" * 200, "depth of messages 101 is over the limit of 100", id="depth"),
        pytest.param("skipped {" * 200, "depth of messages 101 is over the limit of 100", id="depth passed over"),
        *(
            pytest.param(text, "number of parts 750001 is over the limit of 750000", id=name)
            for name, text in {
                "fields": "number:1 " * MOST_PARTS,
                "elements": "number: [" + "1," * MOST_PARTS,
                "adjacent strings": "text: " + "''" * MOST_PARTS,
                "empty lists": "number:[] " * (MOST_PARTS + 1),
                "brackets passed over": "skipped {" + "{}" * MOST_PARTS,
                "strings passed over": "skipped {" + "''" * MOST_PARTS,
                "comments passed over": "skipped {" + "a#\n" * (MOST_PARTS + 1),
            }.items()
        ),
        pytest.param(
            "text: '" + "\\n" * (MOST_ESCAPES + 1) + "'",
            "number of escapes 1000001 is over the limit of 1000000",
            id="escapes",
        ),
        pytest.param(
            " " * (LARGEST_TEXT + 1), "size of the text in bytes 33554433 is over the limit of 33554432", id="size"
        ),
    ],
)
def test_text_beyond_any_graph_is_refused(text: str, problem: str) -> None:
    with pytest.raises(LimitExceededError) as caught:
        encode(text)

    assert str(caught.value) == f"a.pbtxt: {problem}"


def test_the_deepest_message_is_read() -> None:
    depth = DEEPEST_MESSAGE - 1

    assert len(encode("inner {" * depth + "}" * depth)) > depth


@given(st.text(), st.integers(-(2**63), 2**64 - 1))
def test_any_string_and_number_comes_back(text: str, number: int) -> None:
    escaped = "".join(f"\\{byte:03o}" for byte in text.encode())

    assert encode(f'inner {{ name: "{escaped}" size: {number} }}') == message((4, message((1, text), (2, number))))


@given(
    st.lists(
        st.sampled_from(
            ["inner", "skipped", "text", ":", "{", "}", "<", ">", "[", "]", ",", "'a'", "'", "1", "-", "#", "\n"]
        )
    )
)
def test_any_sequence_of_tokens_is_read_or_refused(tokens: list[str]) -> None:
    with suppress(ArtifactError):
        encode(" ".join(tokens))


@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(ArtifactError):
        encode(data)
