from __future__ import annotations

import io
import struct
from collections import deque
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.errors import ArtifactError, DamagedFileError, LimitExceededError, TruncatedFileError
from envlock.formats.flatbuffer import FlatBuffer, Table, identifier_of
from envlock.formats.ranges import RangeReader


def build() -> bytes:
    """A root table with a byte, a missing field, a string, a vector of numbers and a table without fields."""
    vtable = struct.pack("<7H", 14, 20, 4, 0, 8, 12, 16) + bytes(2)  # at 8
    table_start = 8 + len(vtable)  # 24
    text_start = table_start + 20  # 44
    numbers_start = text_start + 8  # 52
    empty_start = numbers_start + 12 + 4  # 68, behind its vtable at 64
    table = struct.pack(
        "<iB3xIII",
        table_start - 8,
        7,
        text_start - (table_start + 8),
        numbers_start - (table_start + 12),
        empty_start - (table_start + 16),
    )
    text = struct.pack("<I4s", 3, b"yes\0")
    numbers = struct.pack("<Iii", 2, 1, -1)
    empty = struct.pack("<HHi", 4, 4, 4)
    return struct.pack("<I4s", table_start, b"TEST") + vtable + table + text + numbers + empty


def open_root(data: bytes) -> Table:
    return FlatBuffer(RangeReader(io.BytesIO(data)), where="test").root()


def test_fields_are_read_by_their_places() -> None:
    root = open_root(build())

    assert identifier_of(build()) == b"TEST"
    assert root.unsigned(0, 1) == 7
    assert root.text(2) == "yes"
    assert root.numbers(3, limit=2) == (1, -1)
    assert root.table(4) is not None


def test_a_field_that_is_not_stored_has_its_default() -> None:
    root = open_root(build())

    assert [root.unsigned(1, 4, default=5), root.signed(99, 4), root.text(1), root.numbers(1, limit=0)] == [
        5,
        0,
        "",
        (),
    ]
    assert root.table(1) is None
    assert list(root.tables(1, limit=0)) == []


@pytest.mark.parametrize(
    ("position", "value", "kind", "problem"),
    [
        pytest.param(
            0, 5000, DamagedFileError, "test at offset 0: an offset of 5000 bytes leads out of the file", id="root"
        ),
        pytest.param(24, 5000, DamagedFileError, "test at offset 24: a table without a list of its fields", id="list"),
        pytest.param(8, 3, DamagedFileError, "test at offset 24: a table without a list of its fields", id="odd list"),
        pytest.param(
            52,
            1 << 31,
            DamagedFileError,
            "test at offset 52: a vector of 2147483648 elements reaches past the end of the file",
            id="vector",
        ),
        pytest.param(
            52, 3, LimitExceededError, "test at offset 24: number of elements 3 is over the limit of 2", id="limit"
        ),
    ],
)
def test_damage_is_named(position: int, value: int, kind: type[ArtifactError], problem: str) -> None:
    data = build()
    size = 2 if position == 8 else 4
    changed = data[:position] + value.to_bytes(size, "little") + data[position + size :]

    with pytest.raises(kind) as caught:
        open_root(changed).numbers(3, limit=2)

    assert str(caught.value) == problem


def test_a_file_without_room_for_the_first_offset_is_truncated() -> None:
    with pytest.raises(TruncatedFileError) as caught:
        open_root(b"ab")

    assert str(caught.value) == "test: expected 4 bytes at offset 0, found 2"


def test_tables_that_share_their_content_are_read_so_often_only() -> None:
    buffer = FlatBuffer(RangeReader(io.BytesIO(build())), where="test")
    root = buffer.root()

    with pytest.raises(LimitExceededError) as caught:
        deque(iter(lambda: root.unsigned(0, 1), None), maxlen=0)

    assert str(caught.value) == "test: number of reads 500001 is over the limit of 500000"


@given(st.binary(max_size=200))
def test_any_bytes_give_values_or_an_artifact_error(data: bytes) -> None:
    with suppress(ArtifactError):
        root = open_root(data)
        for field in range(5):
            root.text(field)
            root.numbers(field, limit=100)
            list(root.tables(field, limit=100))
