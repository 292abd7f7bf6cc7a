"""Chunks of a dataset: found by their index, unfiltered, and put together into one array."""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from envlock.errors import DamagedFileError, LimitExceededError, UnsupportedFeatureError
from envlock.formats.hdf5.checksum import fletcher32
from envlock.formats.hdf5.chunk_arrays import Entry, iterate_extensible_array, iterate_fixed_array
from envlock.formats.hdf5.datatypes import Dataspace
from envlock.formats.hdf5.layouts import Chunked
from envlock.formats.hdf5.storage import Cursor, Storage
from envlock.formats.hdf5.trees import CHUNK_NODE, iterate_old_tree, iterate_tree_records

LARGEST_VALUES = 1024 * 1024
"""Bytes of a dataset, or of one of its chunks, that are read at most: weights are never looked at."""

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3
_CHECKSUM_SIZE = _FILTER_MASK_SIZE = 4
_PLAIN_CHUNKS, _FILTERED_CHUNKS = 10, 11
"""Types of version 2 B-trees."""

_FIRST_NAMED_FILTER = 256

Filters = tuple[tuple[int, int], ...]
"""Identifier and first parameter of every filter, in the order in which they were applied."""


class Chunk(NamedTuple):
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
    space: Dataspace,
    element_size: int,
    filters: Filters,
    where: str,
) -> bytes:
    """The bytes of a dataset of the shape *space*, in row-major order.

    Raises:
        UnsupportedFeatureError: A filter is none that saved models use, or a chunk was never written.
    """
    grid = plan_grid(layout, space, where=where)
    dimensions = grid.dimensions
    chunk_size = math.prod(layout.chunk_shape) * element_size
    check_size(chunk_size, where=where)
    values = bytearray(math.prod(dimensions) * element_size)
    written = 0
    for chunk in iterate_chunks(storage, layout, grid, chunk_size=chunk_size, is_filtered=bool(filters)):
        storage.charge(chunk_size, where=where)
        storage.count(math.prod(layout.chunk_shape[:-1]), where=where)
        stored = storage.read(chunk.address, chunk.size, where=where)
        data = unfilter(stored, filters, chunk.skipped_filters, chunk_size, where=where)
        written += _place(values, data, chunk.start, layout.chunk_shape, dimensions, element_size)
    if written < len(values):
        raise UnsupportedFeatureError(where, "a dataset that was never fully written")
    return bytes(values)


class Grid(NamedTuple):
    """How chunks tile a dataset."""

    chunk_shape: tuple[int, ...]
    dimensions: tuple[int, ...]
    largest: tuple[int | None, ...]
    """Lengths that the dimensions may grow to; ``None`` where there is no limit."""

    def start(self, number: int) -> tuple[int, ...]:
        """The first element of the chunk that an array has under *number*.

        Arrays count row by row over the largest lengths, the dimension without limit before all others.
        """
        first, *others = sorted(range(len(self.largest)), key=lambda axis: self.largest[axis] is not None)
        place = dict.fromkeys(others, 0)
        for axis in reversed(others):
            number, place[axis] = divmod(number, self.chunks_along(axis) or 1)
        place[first] = number
        return tuple(place[axis] * length for axis, length in enumerate(self.chunk_shape))

    def chunks_along(self, axis: int) -> int:
        """How many chunks the dimension *axis* has room for; as many as it has now where it has no limit."""
        length = self.largest[axis] or self.dimensions[axis]
        return -(-length // self.chunk_shape[axis])


def plan_grid(layout: Chunked, space: Dataspace, *, where: str) -> Grid:
    """The grid of a dataset of the shape *space*.

    Raises:
        DamagedFileError: The chunks have other dimensions, or the dataset has grown over its limits.
    """
    dimensions, chunk_shape = space.dimensions, layout.chunk_shape
    if not dimensions or len(chunk_shape) != len(dimensions) or 0 in chunk_shape:
        raise DamagedFileError(where, f"chunks of shape {chunk_shape} do not tile {dimensions}")
    if any(limit is not None and length > limit for length, limit in zip(dimensions, space.largest, strict=True)):
        raise DamagedFileError(where, f"the dimensions {dimensions} are over the largest, {space.largest}")
    return Grid(chunk_shape=chunk_shape, dimensions=dimensions, largest=space.largest)


def iterate_chunks(
    storage: Storage, layout: Chunked, grid: Grid, *, chunk_size: int, is_filtered: bool
) -> Iterator[Chunk]:
    """Every stored chunk of a dataset; *chunk_size* counts the bytes of one once unpacked."""
    address = layout.address
    if address is None:
        return iter(())
    match layout.chunk_index:
        case "version 1 B-tree":
            return _iterate_old_tree(storage, address, grid)
        case "single chunk":
            size = chunk_size if layout.filtered_size is None else layout.filtered_size
            start = (0,) * len(grid.dimensions)
            return iter([Chunk(start=start, address=address, size=size, skipped_filters=layout.skipped_filters)])
        case "implicit":
            return _iterate_row(storage, address, grid, chunk_size)
        case "fixed array":
            return _iterate_array(iterate_fixed_array(storage, address), grid, chunk_size, is_filtered=is_filtered)
        case "extensible array":
            return _iterate_array(iterate_extensible_array(storage, address), grid, chunk_size, is_filtered=is_filtered)
        case "version 2 B-tree":
            return _iterate_tree(storage, address, grid, chunk_size, is_filtered=is_filtered)


def _iterate_old_tree(storage: Storage, address: int, grid: Grid) -> Iterator[Chunk]:
    key_size = 8 + 8 * (len(grid.dimensions) + 1)
    for key, chunk_address in iterate_old_tree(storage, address, kind=CHUNK_NODE, key_size=key_size):
        size, skipped_filters = key.unsigned(4), key.unsigned(4)
        start = tuple(key.unsigned(8) for _ in grid.dimensions)
        if any(index % length for index, length in zip(start, grid.chunk_shape, strict=True)):
            raise key.damaged(f"a chunk starts between two chunks, at {start}")
        yield Chunk(start=start, address=chunk_address, size=size, skipped_filters=skipped_filters)


def _iterate_row(storage: Storage, address: int, grid: Grid, chunk_size: int) -> Iterator[Chunk]:
    """Unfiltered chunks that lie one behind the other."""
    for number in range(math.prod(map(grid.chunks_along, range(len(grid.dimensions))))):
        storage.count(1, where="row of chunks")
        start = grid.start(number)
        yield Chunk(start=start, address=address + number * chunk_size, size=chunk_size, skipped_filters=0)


def _iterate_array(entries: Iterator[Entry], grid: Grid, chunk_size: int, *, is_filtered: bool) -> Iterator[Chunk]:
    for number, entry in entries:
        chunk = _parse_chunk(entry, grid.start(number), chunk_size, is_filtered=is_filtered)
        if chunk is not None:
            yield chunk


def _iterate_tree(storage: Storage, address: int, grid: Grid, chunk_size: int, *, is_filtered: bool) -> Iterator[Chunk]:
    kind = _FILTERED_CHUNKS if is_filtered else _PLAIN_CHUNKS
    for record in iterate_tree_records(storage, address, kind=kind):
        entry = record.part(max(0, record.remaining - 8 * len(grid.dimensions)))
        start = tuple(record.unsigned(8) * length for length in grid.chunk_shape)
        chunk = _parse_chunk(entry, start, chunk_size, is_filtered=is_filtered)
        if chunk is not None:
            yield chunk


def _parse_chunk(entry: Cursor, start: tuple[int, ...], chunk_size: int, *, is_filtered: bool) -> Chunk | None:
    """Address, size and skipped filters of a chunk, the last two where it was filtered; ``None`` for no chunk."""
    address = entry.address()
    if address is None:
        return None
    if not is_filtered:
        return Chunk(start=start, address=address, size=chunk_size, skipped_filters=0)
    size = entry.unsigned(max(0, entry.remaining - _FILTER_MASK_SIZE))
    return Chunk(start=start, address=address, size=size, skipped_filters=entry.unsigned(_FILTER_MASK_SIZE))


def unfilter(data: bytes, filters: Filters, skipped: int, chunk_size: int, *, where: str) -> bytes:
    """Undo *filters*, the last one first, except for those in the bits of *skipped*.

    Raises:
        DamagedFileError: The chunk cannot be unpacked, differs from its checksum, or has another size.
        UnsupportedFeatureError: A filter is none that saved models use.
    """
    for number, (identifier, parameter) in reversed(list(enumerate(filters))):
        if skipped >> number & 1:
            continue
        if identifier == DEFLATE:
            data = _inflate(data, chunk_size + _CHECKSUM_SIZE, where)
        elif identifier == SHUFFLE:
            data = _unshuffle(data, parameter)
        elif identifier == FLETCHER32:
            data = _without_checksum(data, where)
        else:
            raise UnsupportedFeatureError(where, f"filter {identifier}")
    if len(data) != chunk_size:
        raise DamagedFileError(where, f"expected a chunk of {chunk_size} bytes, found {len(data)}")
    return data


def _without_checksum(data: bytes, where: str) -> bytes:
    content, checksum = data[:-_CHECKSUM_SIZE], data[-_CHECKSUM_SIZE:]
    if fletcher32(content) != int.from_bytes(checksum, "little"):
        raise DamagedFileError(where, "a chunk differs from its checksum")
    return content


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
