"""Chunks of a dataset: found by their index, unfiltered, and put together into one array."""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from envlock.errors import DamagedFileError, LimitExceededError, UnsupportedFeatureError
from envlock.formats.hdf5.layouts import Chunked
from envlock.formats.hdf5.storage import Cursor, Storage
from envlock.formats.hdf5.trees import CHUNK_NODE, iterate_old_tree

LARGEST_VALUES = 1024 * 1024
"""Bytes of a dataset, or of one of its chunks, that are read at most: weights are never looked at."""

DEFLATE, SHUFFLE = 1, 2
_FIRST_NAMED_FILTER = 256

Filters = tuple[tuple[int, int], ...]
"""Identifier and first parameter of every filter, in the order in which they were applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One stored block."""

    start: tuple[int, ...]
    """Index of its first element along each dimension."""

    address: int
    size: int
    """Bytes in the file."""

    skipped_filters: int
    """Bit *n* is set where filter *n* was not applied."""


def parse_filters(cursor: Cursor) -> Filters:
    """Parse a filter pipeline message."""
    version = cursor.version(1, 2)
    count = cursor.unsigned(1)
    cursor.skip(6 if version == 1 else 0)
    return tuple(_parse_filter(cursor, version) for _ in range(count))


def _parse_filter(cursor: Cursor, version: int) -> tuple[int, int]:
    identifier = cursor.unsigned(2)
    has_name = version == 1 or identifier >= _FIRST_NAMED_FILTER
    name_size = cursor.unsigned(2) if has_name else 0
    cursor.skip(2)  # whether the filter may be left out
    count = cursor.unsigned(2)
    cursor.skip(name_size + (-name_size % 8 if version == 1 else 0))
    parameters = [cursor.unsigned(4) for _ in range(count)]
    cursor.skip(4 if version == 1 and count % 2 else 0)
    return identifier, parameters[0] if parameters else 0


def check_size(size: int, *, where: str) -> None:
    """Refuse values of more than :data:`LARGEST_VALUES` bytes.

    Raises:
        LimitExceededError: *size* is larger.
    """
    if size > LARGEST_VALUES:
        raise LimitExceededError(where, what="size in bytes", limit=LARGEST_VALUES, found=size)


def read_chunks(
    storage: Storage,
    layout: Chunked,
    *,
    dimensions: tuple[int, ...],
    element_size: int,
    filters: Filters,
    where: str,
) -> bytes:
    """The bytes of a dataset of *dimensions*, in row-major order.

    Raises:
        UnsupportedFeatureError: A filter or an index is none that saved models use, or a chunk was never written.
    """
    if not dimensions or len(layout.chunk_shape) != len(dimensions) or 0 in layout.chunk_shape:
        raise DamagedFileError(where, f"chunks of shape {layout.chunk_shape} do not tile {dimensions}")
    chunk_size = math.prod(layout.chunk_shape) * element_size
    check_size(chunk_size, where=where)
    values = bytearray(math.prod(dimensions) * element_size)
    written = 0
    for chunk in iterate_chunks(storage, layout, dimensions, chunk_size, where):
        storage.charge(chunk_size, where=where)
        storage.count(math.prod(layout.chunk_shape[:-1]), where=where)
        stored = storage.read(chunk.address, chunk.size, where=where)
        data = _unfilter(stored, filters, chunk.skipped_filters, chunk_size, where)
        written += _place(values, data, chunk.start, layout.chunk_shape, dimensions, element_size)
    if written < len(values):
        raise UnsupportedFeatureError(where, "a dataset that was never fully written")
    return bytes(values)


def iterate_chunks(
    storage: Storage, layout: Chunked, dimensions: tuple[int, ...], chunk_size: int, where: str
) -> Iterator[Chunk]:
    """Every stored chunk of a dataset of *dimensions*; *chunk_size* counts the bytes of one once unpacked.

    Raises:
        UnsupportedFeatureError: The index is none that saved models use.
    """
    if layout.address is None:
        return iter(())
    if layout.index == "version 1 B-tree":
        return _iterate_tree(storage, layout.address, layout.chunk_shape, dimensions)
    if layout.index == "single chunk":
        size = chunk_size if layout.filtered_size is None else layout.filtered_size
        start = (0,) * len(dimensions)
        chunk = Chunk(start=start, address=layout.address, size=size, skipped_filters=layout.skipped_filters)
        return iter([chunk])
    if layout.index == "implicit":
        return _iterate_row(layout.address, layout.chunk_shape, dimensions, chunk_size)
    raise UnsupportedFeatureError(where, f"a chunked dataset with an index of the kind {layout.index}")


def _iterate_tree(
    storage: Storage, address: int, chunk_shape: tuple[int, ...], dimensions: tuple[int, ...]
) -> Iterator[Chunk]:
    key_size = 8 + 8 * (len(dimensions) + 1)
    for key, chunk_address in iterate_old_tree(storage, address, kind=CHUNK_NODE, key_size=key_size):
        size, skipped_filters = key.unsigned(4), key.unsigned(4)
        start = tuple(key.unsigned(8) for _ in dimensions)
        if any(index % length for index, length in zip(start, chunk_shape, strict=True)):
            raise key.damaged(f"a chunk starts between two chunks, at {start}")
        yield Chunk(start=start, address=chunk_address, size=size, skipped_filters=skipped_filters)


def _iterate_row(
    address: int, chunk_shape: tuple[int, ...], dimensions: tuple[int, ...], chunk_size: int
) -> Iterator[Chunk]:
    """Unfiltered chunks that lie one behind the other."""
    starts = itertools.product(*map(range, (0,) * len(dimensions), dimensions, chunk_shape))
    for number, start in enumerate(starts):
        yield Chunk(start=start, address=address + number * chunk_size, size=chunk_size, skipped_filters=0)


def _unfilter(data: bytes, filters: Filters, skipped: int, chunk_size: int, where: str) -> bytes:
    """Undo *filters*, the last one first."""
    for number, (identifier, parameter) in reversed(list(enumerate(filters))):
        if skipped >> number & 1:
            continue
        if identifier == DEFLATE:
            data = _inflate(data, chunk_size, where)
        elif identifier == SHUFFLE:
            data = _unshuffle(data, parameter)
        else:
            raise UnsupportedFeatureError(where, f"filter {identifier}")
    if len(data) != chunk_size:
        raise DamagedFileError(where, f"expected a chunk of {chunk_size} bytes, found {len(data)}")
    return data


def _inflate(data: bytes, size: int, where: str) -> bytes:
    """Unpack *data*, one byte more than *size* at most."""
    try:
        return zlib.decompressobj().decompress(data, size + 1)
    except zlib.error as error:
        raise DamagedFileError(where, f"a compressed chunk cannot be unpacked: {error}") from error


def _unshuffle(data: bytes, width: int) -> bytes:
    """Undo the sorting of bytes by their place in elements of *width* bytes; a rest stays where it is."""
    count = len(data) // width if width else 0
    shuffled = count * width
    values = bytearray(data)
    for place in range(min(width, shuffled)):
        values[place:shuffled:width] = data[place * count : (place + 1) * count]
    return bytes(values)


def _place(
    values: bytearray,
    chunk: bytes,
    start: tuple[int, ...],
    chunk_shape: tuple[int, ...],
    dimensions: tuple[int, ...],
    element_size: int,
) -> int:
    """Copy the part of *chunk* that lies within *dimensions* to its place; returns how many bytes that were."""
    inside = [
        max(0, min(length, dimension - first))
        for length, dimension, first in zip(chunk_shape, dimensions, start, strict=True)
    ]
    run = inside[-1] * element_size
    for row in itertools.product(*map(range, inside[:-1])):
        source = _position((*row, 0), chunk_shape) * element_size
        place = [first + index for first, index in zip(start, (*row, 0), strict=True)]
        target = _position(place, dimensions) * element_size
        values[target : target + run] = chunk[source : source + run]
    return math.prod(inside) * element_size


def _position(index: Sequence[int], shape: tuple[int, ...]) -> int:
    """The place of an element in row-major order."""
    position = 0
    for number, length in zip(index, shape, strict=True):
        position = position * length + number
    return position
