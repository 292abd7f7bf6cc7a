"""Proof that all values of a dataset are in the file and can be unpacked, whatever their size."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable

from envlock.errors import DamagedFileError, UnsupportedFeatureError
from envlock.formats.hdf5.chunks import (
    DEFLATE,
    FLETCHER32,
    SHUFFLE,
    Chunk,
    Filters,
    iterate_chunks,
    plan_grid,
    unfilter,
)
from envlock.formats.hdf5.datasets import read_filters, read_type
from envlock.formats.hdf5.layouts import Chunked, Compact, Virtual, parse_layout
from envlock.formats.hdf5.object_header import EXTERNAL_FILES, LAYOUT, Message, find_message, open_body, require_message
from envlock.formats.hdf5.storage import Storage

_PIECE = 1024 * 1024


def verify_values(renew: Callable[[], Storage], messages: tuple[Message, ...], *, where: str) -> None:
    """Check all values of the dataset that *messages* describe.

    *renew* gives access to the file with limits that start anew: they are made for reading a little of it.

    Raises:
        DamagedFileError: Values lie outside of the file, or cannot be unpacked.
        UnsupportedFeatureError: They cannot be checked: another file holds them, or a filter is unknown.
    """
    storage = renew()
    datatype, space = read_type(storage, messages, where)
    if find_message(messages, EXTERNAL_FILES) is not None:
        raise UnsupportedFeatureError(where, "a dataset whose values are in another file")
    layout = parse_layout(open_body(storage, require_message(messages, LAYOUT, where=where), where=where))
    if isinstance(layout, Virtual):
        raise UnsupportedFeatureError(where, "a virtual dataset")
    if space.dimensions is None or isinstance(layout, Compact) or layout.address is None:
        return
    element_size = datatype.size * math.prod(datatype.dimensions)
    if not isinstance(layout, Chunked):
        _require_inside(storage, layout.address, math.prod(space.dimensions) * element_size, where)
        return
    grid = plan_grid(layout, space, where=where)
    filters = read_filters(storage, messages, where)
    unknown = [identifier for identifier, _ in filters if identifier not in (DEFLATE, SHUFFLE, FLETCHER32)]
    if unknown:
        raise UnsupportedFeatureError(where, f"filter {unknown[0]}")
    size = math.prod(layout.chunk_shape) * element_size
    unread = storage.size
    for chunk in iterate_chunks(storage, layout, grid, chunk_size=size, is_filtered=bool(filters)):
        unread -= chunk.size
        if unread < 0:
            raise DamagedFileError(where, "its chunks lie over one another", offset=chunk.address)
        _verify_chunk(renew, chunk, filters, size, where)


def _verify_chunk(renew: Callable[[], Storage], chunk: Chunk, filters: Filters, size: int, where: str) -> None:
    _require_inside(renew(), chunk.address, chunk.size, where)
    applied = [identifier for number, (identifier, _) in enumerate(filters) if not chunk.skipped_filters >> number & 1]
    if FLETCHER32 in applied:
        # The checksum may stand at any place among the filters: such a chunk is taken whole.
        storage = renew()
        storage.charge(size, where=where)
        unfilter(
            storage.read(chunk.address, chunk.size, where=where), filters, chunk.skipped_filters, size, where=where
        )
        return
    found = chunk.size
    if DEFLATE in applied:
        found = _unpacked_size(renew, chunk, where)
    if found != size:
        raise DamagedFileError(where, f"expected a chunk of {size} bytes, found {found}", offset=chunk.address)


def _unpacked_size(renew: Callable[[], Storage], chunk: Chunk, where: str) -> int:
    """Bytes of a compressed chunk once unpacked, which zlib checks against the checksum behind it."""
    unpacker = zlib.decompressobj()
    size = 0
    try:
        for start in range(0, chunk.size, _PIECE):
            data = renew().read(chunk.address + start, min(_PIECE, chunk.size - start), where=where)
            while data:
                size += len(unpacker.decompress(data, _PIECE))
                data = unpacker.unconsumed_tail
        size += len(unpacker.flush())
    except zlib.error as error:
        problem = f"a compressed chunk cannot be unpacked: {error}"
        raise DamagedFileError(where, problem, offset=chunk.address) from error
    if not unpacker.eof:
        raise DamagedFileError(where, "a compressed chunk has no end", offset=chunk.address)
    return size


def _require_inside(storage: Storage, address: int, size: int, where: str) -> None:
    if address + size > storage.size:
        raise DamagedFileError(where, f"{size} bytes here reach past the end of the file", offset=address)
