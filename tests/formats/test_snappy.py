from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.errors import ArtifactError, DamagedFileError, LimitExceededError
from envlock.formats.snappy import decompress
from tests.formats.wire_encoding import varint

COPIES = {1: b"\x01\x04", 2: b"\x0e\x04\x00", 3: b"\x0f\x04\x00\x00\x00"}
"""Four bytes again from four bytes before, by size of the offset."""


def literal(data: bytes) -> bytes:
    if len(data) <= 60:
        return bytes([len(data) - 1 << 2]) + data
    return b"\xf4" + (len(data) - 1).to_bytes(2, "little") + data


@given(st.binary(min_size=1, max_size=5000))
def test_literals_of_any_length_come_back(data: bytes) -> None:
    assert decompress(varint(len(data)) + literal(data), where="x", origin=0, limit=5000) == data


@pytest.mark.parametrize("kind", COPIES)
def test_copies_repeat_what_came_before(kind: int) -> None:
    data = varint(8) + literal(b"abcd") + COPIES[kind]

    assert decompress(data, where="x", origin=0, limit=100) == b"abcdabcd"


def test_a_copy_may_overlap_itself() -> None:
    data = varint(10) + literal(b"ab") + b"\x1e\x02\x00"

    assert decompress(data, where="x", origin=0, limit=100) == b"ababababab"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(varint(4) + COPIES[2], "x at offset 11: a copy from before the start of its block", id="copy"),
        pytest.param(varint(4) + literal(b"ab"), "x at offset 10: a compressed block of 4 bytes gives 2", id="short"),
        pytest.param(varint(1) + literal(b"ab"), "x at offset 10: a compressed block of 1 bytes gives 2", id="long"),
        pytest.param(b"", "x at offset 10: a varint is cut short or longer than 64 bits", id="empty"),
    ],
)
def test_damage_is_named_with_its_offset(data: bytes, problem: str) -> None:
    with pytest.raises(DamagedFileError) as caught:
        decompress(data, where="x", origin=10, limit=100)

    assert str(caught.value) == problem


def test_a_block_over_the_limit_is_refused_before_it_is_decompressed() -> None:
    with pytest.raises(LimitExceededError) as caught:
        decompress(varint(101), where="x", origin=0, limit=100)

    assert str(caught.value) == "x: size of a block in bytes 101 is over the limit of 100"


@given(st.binary(max_size=200))
def test_any_bytes_give_bytes_or_an_artifact_error(data: bytes) -> None:
    with suppress(ArtifactError):
        assert len(decompress(data, where="x", origin=0, limit=10_000)) <= 10_000
