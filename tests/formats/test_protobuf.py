from __future__ import annotations

import io
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.errors import ArtifactError, DamagedFileError, LimitExceededError, TruncatedFileError
from envlock.formats.protobuf import FIXED32, FIXED64, LENGTH_DELIMITED, VARINT, WireReader
from envlock.formats.ranges import BLOCK_SIZE, RangeReader
from tests.formats.wire_encoding import Value, message, varint

FIELDS = st.lists(
    st.tuples(
        st.integers(1, (1 << 29) - 1),
        st.one_of(st.integers(0, (1 << 64) - 1), st.binary(max_size=300), st.just(bytes(BLOCK_SIZE - 5))),
    ),
    max_size=12,
)


def decode(data: bytes) -> list[tuple[int, Value]]:
    wire = WireReader(data, where="test.pb")
    return [
        (number, wire.varint(payload) if wire_type == VARINT else wire.content(payload, limit=1 << 20))
        for number, wire_type, payload in wire.fields(wire.root)
    ]


@given(FIELDS)
def test_what_was_encoded_is_read_back(fields: list[tuple[int, Value]]) -> None:
    assert decode(message(*fields)) == fields


@given(FIELDS, st.data())
def test_a_message_cut_anywhere_ends_between_fields_or_is_an_error(
    fields: list[tuple[int, Value]], data: st.DataObject
) -> None:
    encoded = message(*fields)
    cut = data.draw(st.integers(0, len(encoded)))

    try:
        found = decode(encoded[:cut])
    except ArtifactError:
        return

    assert found == fields[: len(found)]


@given(st.binary(max_size=200))
def test_any_bytes_give_fields_or_an_artifact_error(data: bytes) -> None:
    wire = WireReader(data, where="test.pb")
    try:
        spans = [payload for _, _, payload in wire.fields(wire.root)]
    except ArtifactError:
        return

    assert all(0 <= start <= end <= len(data) for start, end in spans)


def test_fixed_fields_are_passed_over_by_their_size() -> None:
    data = b"\x09" + struct.pack("<d", 1.5) + b"\x15" + struct.pack("<f", 2.5) + message((3, "end"))
    wire = WireReader(memoryview(data), where="test.pb")

    assert list(wire.fields(wire.root)) == [
        (1, FIXED64, (1, 9)),
        (2, FIXED32, (10, 14)),
        (3, LENGTH_DELIMITED, (16, 19)),
    ]


def test_of_a_field_that_is_there_twice_the_last_one_counts() -> None:
    wire = WireReader(message((1, 5), (2, "old"), (1, 7), (2, "new")), where="test.pb")

    assert (wire.integer(wire.root, 1), wire.string(wire.root, 2)) == (7, "new")


def test_a_field_that_is_not_there_is_none() -> None:
    wire = WireReader(message((1, "text"), (2, 2)), where="test.pb")

    assert (wire.integer(wire.root, 1), wire.string(wire.root, 2), wire.integer(wire.root, 3)) == (None, None, None)


def test_a_negative_number_comes_back_negative() -> None:
    wire = WireReader(message((1, -2)), where="test.pb")
    ((_, _, payload),) = wire.fields(wire.root)

    assert (wire.signed(payload), wire.varint(payload)) == (-2, (1 << 64) - 2)


@pytest.mark.parametrize(
    ("data", "kind", "problem"),
    [
        pytest.param(
            b"\x0a\x05ab",
            TruncatedFileError,
            "test.pb: expected 5 bytes at offset 2, found 2",
            id="length past the end of the file",
        ),
        pytest.param(b"\x08", TruncatedFileError, "test.pb: expected 1 bytes at offset 1, found 0", id="no value"),
        pytest.param(
            b"\x08\x80", TruncatedFileError, "test.pb: expected 2 bytes at offset 1, found 1", id="varint cut short"
        ),
        pytest.param(
            b"\x09\x00", TruncatedFileError, "test.pb: expected 8 bytes at offset 1, found 1", id="number cut short"
        ),
        pytest.param(
            b"\x08" + b"\xff" * 10 + b"\x01",
            DamagedFileError,
            "test.pb at offset 1: a varint is cut short or longer than 64 bits",
            id="varint of 11 bytes",
        ),
        pytest.param(
            b"\x08" + b"\xff" * 9 + b"\x7f",
            DamagedFileError,
            "test.pb at offset 1: a varint is cut short or longer than 64 bits",
            id="varint of 70 bits",
        ),
        pytest.param(b"\x08\x01\x0b", DamagedFileError, "test.pb at offset 2: no field has wire type 3", id="group"),
        pytest.param(b"\x0f", DamagedFileError, "test.pb at offset 0: no field has wire type 7", id="wire type 7"),
        pytest.param(
            b"\x00\x01", DamagedFileError, "test.pb at offset 0: 0 is not a field number", id="field number 0"
        ),
        pytest.param(
            varint(1 << 32) + b"\x01",
            DamagedFileError,
            "test.pb at offset 0: 536870912 is not a field number",
            id="field number over 29 bits",
        ),
    ],
)
def test_damage_is_named_with_its_offset(data: bytes, kind: type[ArtifactError], problem: str) -> None:
    wire = WireReader(data, where="test.pb")

    with pytest.raises(kind) as caught:
        list(wire.fields(wire.root))

    assert str(caught.value) == problem


def test_a_field_that_leaves_its_message_is_damage_even_where_the_file_goes_on() -> None:
    wire = WireReader(message((1, b"\x0a\x05ab"), (2, "more")), where="test.pb")
    ((_, _, inner), _) = wire.fields(wire.root)

    with pytest.raises(DamagedFileError) as caught:
        list(wire.fields(inner))

    assert str(caught.value) == "test.pb at offset 2: a field ends at offset 9, after its message, which ends at 6"


def test_a_string_that_is_not_utf8_is_named_with_the_offset_of_the_bad_byte() -> None:
    wire = WireReader(message((1, b"ab\xff")), where="test.pb")

    with pytest.raises(DamagedFileError) as caught:
        wire.string(wire.root, 1)

    assert str(caught.value) == "test.pb at offset 4: a string is not valid UTF-8"


def test_content_over_its_limit_is_refused_before_it_is_read() -> None:
    wire = WireReader(message((1, bytes(100))), where="test.pb")
    ((_, _, payload),) = wire.fields(wire.root)

    with pytest.raises(LimitExceededError) as caught:
        wire.content(payload, limit=99)

    assert str(caught.value) == "test.pb at offset 2: size in bytes 100 is over the limit of 99"


def test_a_file_of_countless_fields_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envlock.formats.protobuf._MOST_FIELDS", 10)
    wire = WireReader(message(*[(1, 1)] * 11), where="test.pb")

    with pytest.raises(LimitExceededError) as caught:
        list(wire.fields(wire.root))

    assert str(caught.value) == "test.pb: number of fields 11 is over the limit of 10"


class Counting(io.BytesIO):
    """Counts the bytes that are read."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


@pytest.mark.parametrize("walk", [WireReader.integer, WireReader.string], ids=["integer", "string"])
def test_payloads_that_nobody_asks_for_are_not_read(walk: Callable[[WireReader, tuple[int, int], int], object]) -> None:
    stream = Counting(message((1, bytes(20 * BLOCK_SIZE)), (2, 1), (3, bytes(20 * BLOCK_SIZE)), (4, "end")))
    wire = WireReader(RangeReader(stream), where="test.pb")

    walk(wire, wire.root, 2)

    assert stream.count <= 4 * BLOCK_SIZE


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        pytest.param(message((1, "shape"), (2, b"value")), b"shape", id="key first"),
        pytest.param(message((2, b"value"), (1, "shape")), b"shape", id="key last"),
        pytest.param(message((1, "k" * 200)), b"k" * 200, id="long key"),
        pytest.param(message((1, 5), (1, "shape")), b"shape", id="key of another type"),
        pytest.param(message((2, b"value")), b"", id="no key"),
        pytest.param(b"", b"", id="empty"),
    ],
)
@pytest.mark.parametrize("seen_before", [False, True])
def test_the_key_of_a_map_entry_is_found_wherever_it_stands(entry: bytes, key: bytes, seen_before: bool) -> None:
    wire = WireReader(entry, where="test.pb")
    if seen_before:  # which puts the entry at hand
        tuple(wire.fields(wire.root))

    assert wire.map_key(wire.root) == key


@pytest.mark.parametrize("length", [4, 0x7F])
def test_a_key_that_leaves_its_entry_is_an_error(length: int) -> None:
    wire = WireReader(message((5, bytes([0x0A, length]) + b"abc"), (6, bytes(200))), where="test.pb")
    ((_, _, entry), _) = wire.fields(wire.root)

    with pytest.raises(DamagedFileError) as caught:
        wire.map_key(entry)

    assert (
        str(caught.value)
        == f"test.pb at offset 2: a field ends at offset {4 + length}, after its message, which ends at 7"
    )
