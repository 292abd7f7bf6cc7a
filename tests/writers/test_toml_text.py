"""TOML that is written, read by the standard library."""

from __future__ import annotations

import sys
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.writers.toml_text import render_toml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

keys = st.from_regex(r"[A-Za-z0-9_-]+", fullmatch=True)
# Characters that UTF-8 has no bytes for are in no file.
texts = st.text(st.characters(exclude_categories=["Cs"]))
moments = st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(timezone.utc))
scalars = texts | st.integers(min_value=-(2**63), max_value=2**63 - 1) | moments
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=5)


@given(st.dictionaries(keys, values))
def test_a_document_is_read_back_as_it_was(document: dict[str, object]) -> None:
    assert tomllib.loads(render_toml(document)) == document


def test_what_toml_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^NoneType has no place in TOML$"):
        render_toml({"key": None})
