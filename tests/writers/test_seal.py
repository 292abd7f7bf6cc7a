"""Digests within texts."""

from __future__ import annotations

import pytest

from envlock.writers.seal import is_sealed, seal

TEXT = "# first\n# second\nthird\n"


@pytest.mark.parametrize(("comment", "before"), [("#", ""), ("//", ""), ("#", "third")])
def test_a_sealed_text_is_known_until_it_is_changed(comment: str, before: str) -> None:
    sealed = seal(TEXT, comment=comment, before=before)

    assert is_sealed(sealed)
    assert not is_sealed(sealed.replace("third", "fourth"))
    assert not is_sealed(sealed + "\n")


@pytest.mark.parametrize(("before", "line"), [("", 1), ("# second", 1), ("third", 2)])
def test_the_seal_stands_above_the_line_that_is_named(before: str, line: int) -> None:
    lines = seal(TEXT, before=before).splitlines()

    assert [*lines[:line], *lines[line + 1 :]] == TEXT.splitlines()
    assert lines[line].startswith("# Content: digest ")


def test_a_text_without_a_seal_is_not_sealed() -> None:
    assert not is_sealed(TEXT)
