from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.formats.text import printable, without_credentials


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("dense_1", "dense_1"),
        ("größe 層", "größe 層"),
        ("\x1b[2J", "\\x1b[2J"),
        ("two\nlines", "two\\nlines"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("broken \udcff", "broken \\udcff"),
        ("", ""),
    ],
)
def test_what_could_act_on_a_terminal_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_long_text_is_cut_with_a_mark() -> None:
    assert printable("abcdef", limit=3) == "abc…"
    assert printable("abc", limit=3) == "abc"


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_becomes_one_printable_line(text: str) -> None:
    assert printable(text).isprintable()


def test_every_address_loses_its_credentials_and_nothing_else_changes() -> None:
    text = "https://name:secret@index.test/simple, http://token@other.test, me@mail.test, https://index.test/a@b"

    assert without_credentials(text) == (
        "https://index.test/simple, http://other.test, me@mail.test, https://index.test/a@b"
    )
