from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.formats.crc32c import crc32c, masked


def by_definition(data: bytes) -> int:
    """Bit by bit, as RFC 3720 states it."""
    checksum = 0xFFFFFFFF
    for byte in data:
        checksum ^= byte
        for _ in range(8):
            checksum = checksum >> 1 ^ (0x82F63B78 if checksum & 1 else 0)
    return checksum ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"", 0, id="nothing"),
        pytest.param(b"123456789", 0xE3069283, id="the usual check value"),
        pytest.param(bytes(32), 0x8A9136AA, id="RFC 3720, zeros"),
        pytest.param(b"\xff" * 32, 0x62A8AB43, id="RFC 3720, ones"),
        pytest.param(bytes(range(32)), 0x46DD794E, id="RFC 3720, incrementing"),
        pytest.param(bytes(range(31, -1, -1)), 0x113FDB5C, id="RFC 3720, decrementing"),
    ],
)
def test_published_checksums_are_given(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected


# Around the length from which on inputs are shortened, and its multiples.
@pytest.mark.parametrize("size", [847, 848, 1694, 1695, 3388, 3389, 13554, 13555, 20000])
def test_long_inputs_have_the_checksum_of_the_definition(size: int) -> None:
    data = bytes(position * position % 251 for position in range(size))

    assert crc32c(data) == by_definition(data)


@given(st.binary(max_size=64), st.integers(0, 5000), st.integers(0, 5000))
def test_a_checksum_continues_over_parts(seed: bytes, repeats: int, cut: int) -> None:
    data = seed * (repeats // (len(seed) + 1))

    assert crc32c(data[cut:], crc32c(data[:cut])) == crc32c(data)


def test_the_form_in_files_is_rotated_and_shifted() -> None:
    assert masked(0) == 0xA282EAD8
    assert masked(0x8000) == 0xA282EAD9
