"""Sorted tables of the LevelDB kind, which checkpoints are kept in: from bytes to keys and values.

Blocks of prefix-compressed keys, an index block that lists them, and a footer that points at the index block.
Format: tensorflow/core/lib/io/format.h, format.cc and block_builder.cc.
"""

from __future__ import annotations

from collections.abc import Iterator

from envlock.errors import DamagedFileError, LimitExceededError, TruncatedFileError, UnsupportedFeatureError
from envlock.formats.crc32c import crc32c, masked
from envlock.formats.protobuf import read_varint
from envlock.formats.ranges import RangeReader
from envlock.formats.snappy import decompress

FOOTER_SIZE = 48  # two block handles, padded to 40 bytes, and the magic number
MAGIC = bytes.fromhex("57fb808b247547db")

_TRAILER_SIZE = 5  # kind of compression, and a checksum of 4 bytes
_UNCOMPRESSED, _SNAPPY = 0, 1
_LARGEST_BLOCK = 4 * 1024 * 1024


def iterate_entries(reader: RangeReader, *, where: str) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of every entry, in the order of the keys; blocks are read, and checked, as they are reached.

    Raises:
        TruncatedFileError: The file is shorter than a footer.
        DamagedFileError: It is no such table, or a block has another checksum than the one kept of it.
        LimitExceededError: A block is larger than 4 MiB.
    """
    if reader.size < FOOTER_SIZE:
        raise TruncatedFileError(where, offset=0, expected=FOOTER_SIZE, found=reader.size)
    start = reader.size - FOOTER_SIZE
    footer = reader.read(start, FOOTER_SIZE, where=where)
    if not footer.endswith(MAGIC):
        raise DamagedFileError(where, "it does not end as a checkpoint index does", offset=start)
    _, behind = _read_handle(footer, 0, where, start)  # of the index of filters, which TensorFlow leaves empty
    (index_start, index_size), _ = _read_handle(footer, behind, where, start)
    index = _read_block(reader, index_start, index_size, where)
    unread = reader.size
    for _, value in _split_block(index, index_start, where):
        (block_start, block_size), _ = _read_handle(value, 0, where, index_start)
        unread -= block_size
        if unread < 0:
            raise DamagedFileError(where, "its blocks lie over one another", offset=block_start)
        yield from _split_block(_read_block(reader, block_start, block_size, where), block_start, where)


def _read_block(reader: RangeReader, start: int, size: int, where: str) -> bytes:
    """The content of a block, decompressed."""
    if size > _LARGEST_BLOCK:
        raise LimitExceededError(where, what="size of a block in bytes", limit=_LARGEST_BLOCK, found=size)
    data = reader.read(start, size + _TRAILER_SIZE, where=where)
    # The checksum covers the kind of compression too.
    if masked(crc32c(data[: size + 1])) != int.from_bytes(data[size + 1 :], "little"):
        raise DamagedFileError(where, "the checksum of a block does not match its content", offset=start)
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


def _read_handle(data: bytes, position: int, where: str, origin: int) -> tuple[tuple[int, int], int]:
    """Offset and size of a block, and the position behind them."""
    start, position = read_varint(data, position, where=where, origin=origin)
    size, position = read_varint(data, position, where=where, origin=origin)
    return (start, size), position
