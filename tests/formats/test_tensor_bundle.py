from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

import pytest

from envlock.errors import ArtifactError, DamagedFileError, TruncatedFileError
from envlock.formats.ranges import RangeReader
from envlock.formats.tensor_bundle import TensorBundle, read_tensor_bundle
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


def index(*entries: tuple[str, bytes], kind: bytes = b"\x00") -> bytes:
    """A whole index with one block of entries."""
    data = block(list(entries))
    directory = block([("~", varint(0) + varint(len(data)))])
    start = len(data) + 5
    footer = (varint(0) * 2 + varint(start) + varint(len(directory))).ljust(40, b"\x00")
    return data + kind + bytes(4) + directory + bytes(5) + footer + bytes.fromhex("57fb808b247547db")


HEADER = ("", message((1, 2)))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1.15", TensorBundle(shard_sizes=(8,), tensors=("weights",))),
        ("2.6", TensorBundle(shard_sizes=(887,), tensors=KERAS_TENSORS)),
    ],
)
def test_the_index_of_a_real_checkpoint_is_read(line: str, expected: TensorBundle) -> None:
    assert read((ASSETS / line / "variables" / "variables.index").read_bytes()) == expected


def test_each_shard_must_reach_to_the_end_of_its_last_tensor() -> None:
    data = index(
        HEADER,
        ("a", message((5, 100))),
        ("b", message((3, 1), (4, 50), (5, 7))),
        ("c", message((4, 100), (5, 20))),
    )

    assert read(data) == TensorBundle(shard_sizes=(120, 57), tensors=("a", "b", "c"))


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
