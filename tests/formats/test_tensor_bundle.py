from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

import pytest

from envlock.errors import ArtifactError, DamagedFileError, TruncatedFileError
from envlock.formats.crc32c import crc32c, masked
from envlock.formats.ranges import RangeReader
from envlock.formats.tensor_bundle import (
    StoredTensor,
    TensorBundle,
    find_damage,
    read_string,
    read_tensor_bundle,
)
from tests.formats.wire_encoding import message, varint

ASSETS = Path(__file__).parent.parent / "assets" / "saved_model"
KERAS_TENSORS = (
    "_CHECKPOINTABLE_OBJECT_GRAPH",
    "layer_with_weights-0/bias/.ATTRIBUTES/VARIABLE_VALUE",
    "layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE",
)


def read(data: bytes) -> TensorBundle:
    return read_tensor_bundle(RangeReader(io.BytesIO(data)), where="test.index")


def block(entries: list[tuple[str, bytes]]) -> bytes:
    """A block without compression, in which no key shares the beginning of another."""
    body = b"".join(b"\x00" + varint(len(key)) + varint(len(value)) + key.encode() + value for key, value in entries)
    return body + bytes(4) + (1).to_bytes(4, "little")


def sealed(data: bytes, kind: bytes = b"\x00") -> bytes:
    """A block with its kind of compression and its checksum."""
    return data + kind + masked(crc32c(data + kind)).to_bytes(4, "little")


def index(*entries: tuple[str, bytes], kind: bytes = b"\x00") -> bytes:
    """A whole index with one block of entries."""
    data = block(list(entries))
    directory = block([("~", varint(0) + varint(len(data)))])
    start = len(data) + 5
    footer = (varint(0) * 2 + varint(start) + varint(len(directory))).ljust(40, b"\x00")
    return sealed(data, kind) + sealed(directory) + footer + bytes.fromhex("57fb808b247547db")


HEADER = ("", message((1, 2)))


@pytest.mark.parametrize(
    ("line", "shard_sizes", "names"), [("1.15", (8,), ("weights",)), ("2.6", (887,), KERAS_TENSORS)]
)
def test_the_index_of_a_real_checkpoint_is_read(
    line: str, shard_sizes: tuple[int, ...], names: tuple[str, ...]
) -> None:
    bundle = read((ASSETS / line / "variables" / "variables.index").read_bytes())

    assert (bundle.shard_sizes, tuple(tensor.name for tensor in bundle.tensors)) == (shard_sizes, names)


def test_an_entry_tells_type_shape_place_and_checksum() -> None:
    shape = message((2, message((1, 3))), (2, message((1, -1))))
    entry = message((1, 9), (2, shape), (4, 16), (5, 24)) + bytes([6 << 3 | 5]) + (77).to_bytes(4, "little")

    bundle = read(index(("", message((1, 1), (2, 1), (3, message((1, 1))))), ("a", entry)))

    assert bundle == TensorBundle(
        shard_sizes=(40,),
        tensors=(StoredTensor(name="a", dtype="int64", shape=(3, None), offset=16, size=24, checksum=77),),
        version=1,
        is_big_endian=True,
    )


def test_each_shard_must_reach_to_the_end_of_its_last_tensor() -> None:
    data = index(
        HEADER,
        ("a", message((5, 100))),
        ("b", message((3, 1), (4, 50), (5, 7))),
        ("c", message((4, 100), (5, 20))),
    )

    assert read(data).shard_sizes == (120, 57)


def test_the_parts_of_a_variable_are_no_variables() -> None:
    bundle = read(index(HEADER, ("\x00a", message((5, 4))), ("a", message((7, b"")))))

    assert [(tensor.name, tensor.is_partitioned) for tensor in bundle.variables] == [("a", True)]


def test_a_checkpoint_of_one_file_lists_its_tensors_in_the_first_entry() -> None:
    tensor = message((1, "weights"), (2, message((2, message((1, 2))))), (3, 1))
    data = index(("", message((1, message((1, tensor), (2, message((1, 1))))))), ("\x00weights", b"\xff"))

    assert read(data) == TensorBundle(
        tensors=(StoredTensor(name="weights", dtype="float32", shape=(2,)),), version=1, is_single_file=True
    )


def test_a_changed_byte_of_a_block_is_found_by_its_checksum() -> None:
    data = index(HEADER, ("a", message((5, 100))))
    changed = data.replace(bytes([5 << 3, 100]), bytes([5 << 3, 101]))

    with pytest.raises(DamagedFileError) as caught:
        read(changed)

    assert str(caught.value) == "test.index at offset 0: the checksum of a block does not match its content"


# --- shards --------------------------------------------------------------------------------------------------

STRINGS = [b"", b"yes", b"n" * 300]


def stored_strings(strings: list[bytes]) -> bytes:
    lengths = b"".join(len(item).to_bytes(4, "little") for item in strings)
    checksum = masked(crc32c(lengths)).to_bytes(4, "little")
    return b"".join(varint(len(item)) for item in strings) + checksum + b"".join(strings)


def bundle_of(data: bytes, dtype: str, shape: tuple[int, ...], checksum: int) -> TensorBundle:
    tensor = StoredTensor(name="a", dtype=dtype, shape=shape, size=len(data), checksum=masked(checksum))
    return TensorBundle(shard_sizes=(len(data),), tensors=(tensor,))


def damage(data: bytes, bundle: TensorBundle) -> list[str]:
    return [tensor.name for tensor in find_damage(RangeReader(io.BytesIO(data)), bundle, 0)]


def test_numbers_are_compared_with_their_checksum() -> None:
    data = bytes(300_000)
    bundle = bundle_of(data, "float32", (75_000,), crc32c(data))

    assert damage(data, bundle) == []
    assert damage(data[:-1] + b"\x01", bundle) == ["a"]
    assert damage(data[:-1], bundle) == ["a"]


def test_strings_are_compared_with_the_checksum_of_their_fixed_lengths_and_bytes() -> None:
    data = stored_strings(STRINGS)
    lengths = b"".join(len(item).to_bytes(4, "little") for item in STRINGS)
    bundle = bundle_of(data, "string", (3,), crc32c(lengths + data[4:]))

    assert damage(data, bundle) == []
    assert damage(data[:-1] + b"m", bundle) == ["a"]


def test_a_single_string_is_read_and_checked() -> None:
    data = stored_strings([b"graph"])
    bundle = bundle_of(data, "string", (), crc32c((5).to_bytes(4, "little") + data[1:]))

    def read_it(content: bytes) -> bytes:
        return read_string(RangeReader(io.BytesIO(content)), bundle.tensors[0], limit=100, where="shard")

    assert read_it(data) == b"graph"
    with pytest.raises(DamagedFileError) as caught:
        read_it(data.replace(b"graph", b"grasp"))
    assert str(caught.value) == "shard at offset 0: the checksum of a string does not match it"


# --- damage --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind", "problem"),
    [
        pytest.param(b"", TruncatedFileError, "test.index: expected 48 bytes at offset 0, found 0", id="empty"),
        pytest.param(
            bytes(60),
            DamagedFileError,
            "test.index at offset 12: it does not end as a checkpoint index does",
            id="no magic number",
        ),
        pytest.param(
            index(("a", b"")),
            DamagedFileError,
            "test.index: the first entry is not the header of a checkpoint",
            id="no header",
        ),
        pytest.param(
            index(HEADER, ("a", message((3, 2)))),
            DamagedFileError,
            "test.index: a tensor lies in shard 2 of 2",
            id="shard that is not there",
        ),
        pytest.param(
            index(HEADER, kind=b"\x07"),
            ArtifactError,
            "test.index: compression of kind 7 is not supported",
            id="compression",
        ),
        pytest.param(
            index(("", message((1, 1 << 30)))),
            ArtifactError,
            "test.index: number of shards 1073741824 is over the limit of 100000",
            id="countless shards",
        ),
    ],
)
def test_damage_is_named(data: bytes, kind: type[ArtifactError], problem: str) -> None:
    with pytest.raises(kind) as caught:
        read(data)

    assert str(caught.value) == problem


@pytest.mark.parametrize("line", ["1.15", "2.6"])
def test_a_cut_or_changed_index_gives_a_bundle_or_an_artifact_error(line: str) -> None:
    data = (ASSETS / line / "variables" / "variables.index").read_bytes()
    for position in range(len(data)):
        for damaged in (
            data[:position],
            data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :],
            data[:position] + bytes([data[position] ^ 0x01]) + data[position + 1 :],
        ):
            with suppress(ArtifactError):
                read(damaged)
