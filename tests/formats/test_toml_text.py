"""TOML that somebody may have made to hurt."""

from __future__ import annotations

import pytest

from envlock.errors import DamagedFileError
from envlock.formats.toml_text import parse_toml


@pytest.mark.parametrize(
    "text", [b"a.b = 1\n", b"\xef\xbb\xbfa.b = 1\n", b"a.b = 1\r\n"], ids=["plain", "mark", "CRLF"]
)
def test_what_editors_write_is_read(text: bytes) -> None:
    assert parse_toml(text, where="file") == {"a": {"b": 1}}


@pytest.mark.parametrize("text", ['a = ["{}"]', "a = ['{}']", 'a = ["\\"{}"]'])
def test_dots_in_quotes_cost_nothing(text: str) -> None:
    dots = "x." * 5_000
    assert parse_toml(text.format(dots).encode(), where="file")["a"][0].endswith(dots)


@pytest.mark.parametrize("start", ["", '"a".', "'\"'.", '"\\"".'])
def test_a_key_of_thousands_of_parts_is_refused_at_once(start: str) -> None:
    with pytest.raises(DamagedFileError, match="holds a line of more than 256 dots outside of quotes"):
        parse_toml(f"{start}{'b.' * 50_000}c = 1".encode(), where="file")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"a = [", "is no TOML: Invalid value (at end of document)"),
        (b"a = 1 # \xff", "is no TOML, since it is no UTF-8 at byte 8"),
        (b"a." * 50_000 + b"b = 1", "holds a line of more than 256 dots outside of quotes"),
        (b"a = " + b"[" * 50_000, "is no TOML that a person would write: it is nested too deep"),
        (b"a = " + b"9" * 50_000, "is no TOML: it holds a number of thousands of digits"),
    ],
    ids=["broken", "encoding", "dots", "depth", "digits"],
)
def test_what_cannot_be_parsed_is_refused_in_one_line(text: bytes, problem: str) -> None:
    with pytest.raises(DamagedFileError) as caught:
        parse_toml(text, where="file")

    assert str(caught.value) == f"file: {problem}"
