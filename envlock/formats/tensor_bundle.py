"""The index of a TensorFlow checkpoint (``*.index``), from bytes to the tensors it lists and where they lie.

The index is a sorted table of the LevelDB kind: blocks of prefix-compressed keys, an index block that lists them, and
a footer that points at the index block. Format: tensorflow/core/lib/io/format.h and block_builder.cc,
tensorflow/core/protobuf/tensor_bundle.proto. The tensors themselves lie in shards beside it, which are not opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from envlock.errors import DamagedFileError, LimitExceededError, TruncatedFileError, UnsupportedFeatureError
from envlock.formats.protobuf import WireReader, read_varint
from envlock.formats.ranges import RangeReader
from envlock.formats.snappy import decompress

_FOOTER_SIZE = 48  # two block handles, padded to 40 bytes, and the magic number
_MAGIC = bytes.fromhex("57fb808b247547db")
_TRAILER_SIZE = 5  # kind of compression, and a checksum of 4 bytes
_UNCOMPRESSED, _SNAPPY = 0, 1
_LARGEST_BLOCK = 4 * 1024 * 1024
_MOST_ENTRIES = 200_000
_MOST_SHARDS = 100_000

_HEADER_NUM_SHARDS = 1  # BundleHeaderProto
_ENTRY_SHARD_ID, _ENTRY_OFFSET, _ENTRY_SIZE = 3, 4, 5  # BundleEntryProto


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorBundle:
    """What the index of a checkpoint says about its shards."""

    shard_sizes: tuple[int, ...]
    """Bytes that each shard must have at least, in the order of the shards."""

    tensors: tuple[str, ...]
    """Keys of the tensors, sorted."""


def read_tensor_bundle(reader: RangeReader, *, where: str) -> TensorBundle:
    """Read the index of a checkpoint; *where* names the file in errors.

    Raises:
        ArtifactError: It is no such index, is cut short or damaged.
    """
    entries = _entries(reader, where)
    key, header = next(entries, (b"", b""))
    if key:
        raise DamagedFileError(where, "the first entry is not the header of a checkpoint")
    shard_sizes = [0] * _shard_count(header, where)
    tensors: list[str] = []
    for key, value in entries:
        if len(tensors) >= _MOST_ENTRIES:
            raise LimitExceededError(where, what="number of tensors", limit=_MOST_ENTRIES, found=len(tensors) + 1)
        tensors.append(key.decode(errors="surrogateescape"))
        shard, end = _place(value, where)
        if shard >= len(shard_sizes):
            raise DamagedFileError(where, f"a tensor lies in shard {shard} of {len(shard_sizes)}")
        shard_sizes[shard] = max(shard_sizes[shard], end)
    return TensorBundle(shard_sizes=tuple(shard_sizes), tensors=tuple(tensors))


def _shard_count(header: bytes, where: str) -> int:
    wire = WireReader(header, where=f"header of {where}")
    count = wire.integer(wire.root, _HEADER_NUM_SHARDS) or 0
    if count > _MOST_SHARDS:
        raise LimitExceededError(where, what="number of shards", limit=_MOST_SHARDS, found=count)
    return count


def _place(value: bytes, where: str) -> tuple[int, int]:
    """The shard of an entry, and the offset of its end therein."""
    wire = WireReader(value, where=f"an entry of {where}")
    numbers = {number: payload for number, _, payload in wire.fields(wire.root)}
    shard, offset, size = (
        wire.varint(numbers[number]) if number in numbers else 0
        for number in (_ENTRY_SHARD_ID, _ENTRY_OFFSET, _ENTRY_SIZE)
    )
    return shard, offset + size


def _entries(reader: RangeReader, where: str) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of every entry, in the order of the keys."""
    if reader.size < _FOOTER_SIZE:
        raise TruncatedFileError(where, offset=0, expected=_FOOTER_SIZE, found=reader.size)
    start = reader.size - _FOOTER_SIZE
    footer = reader.read(start, _FOOTER_SIZE, where=where)
    if not footer.endswith(_MAGIC):
        raise DamagedFileError(where, "it does not end as a checkpoint index does", offset=start)
    _, behind = _handle(footer, 0, where, start)  # of the index of filters, which TensorFlow leaves empty
    (index_start, index_size), _ = _handle(footer, behind, where, start)
    index = _read_block(reader, index_start, index_size, where)
    unread = reader.size
    for _, value in _split_block(index, index_start, where):
        (block_start, block_size), _ = _handle(value, 0, where, index_start)
        unread -= block_size
        if unread < 0:
            raise DamagedFileError(where, "its blocks lie over one another", offset=block_start)
        yield from _split_block(_read_block(reader, block_start, block_size, where), block_start, where)


def _read_block(reader: RangeReader, start: int, size: int, where: str) -> bytes:
    """The content of a block, decompressed."""
    if size > _LARGEST_BLOCK:
        raise LimitExceededError(where, what="size of a block in bytes", limit=_LARGEST_BLOCK, found=size)
    data = reader.read(start, size + _TRAILER_SIZE, where=where)
    compression = data[size]
    if compression == _UNCOMPRESSED:
        return data[:size]
    if compression == _SNAPPY:
        return decompress(data[:size], where=where, origin=start, limit=_LARGEST_BLOCK)
    raise UnsupportedFeatureError(where, f"compression of kind {compression}")


def _split_block(data: bytes, start: int, where: str) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of every entry of a block, whose offset in the file is *start*."""
    # The block ends with the places where prefix compression starts anew, and their number.
    restarts = int.from_bytes(data[-4:], "little")
    end = len(data) - 4 * (restarts + 1)
    if end < 0:
        problem = f"a block of {len(data)} bytes announces {restarts} restarts"
        raise DamagedFileError(where, problem, offset=start)
    key, position = b"", 0
    while position < end:
        shared, position = read_varint(data, position, where=where, origin=start)
        added, position = read_varint(data, position, where=where, origin=start)
        value_size, position = read_varint(data, position, where=where, origin=start)
        behind = position + added + value_size
        if shared > len(key) or behind > end:
            raise DamagedFileError(where, "an entry leaves its block", offset=start + position)
        key = key[:shared] + data[position : position + added]
        yield key, data[position + added : behind]
        position = behind


def _handle(data: bytes, position: int, where: str, origin: int) -> tuple[tuple[int, int], int]:
    """Offset and size of a block, and the position behind them."""
    start, position = read_varint(data, position, where=where, origin=origin)
    size, position = read_varint(data, position, where=where, origin=origin)
    return (start, size), position
