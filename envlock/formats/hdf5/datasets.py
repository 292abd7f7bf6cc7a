"""Datasets: their shape and type, and the values of small ones."""

from __future__ import annotations

import math
from typing import NamedTuple

from envlock.errors import UnsupportedFeatureError
from envlock.formats.hdf5.chunks import Filters, check_size, parse_filters, read_chunks
from envlock.formats.hdf5.datatypes import (
    AttributeValue,
    Dataspace,
    Datatype,
    decode_value,
    parse_dataspace,
    parse_datatype,
)
from envlock.formats.hdf5.heaps import GlobalHeap
from envlock.formats.hdf5.layouts import Compact, Contiguous, Virtual, parse_layout
from envlock.formats.hdf5.object_header import (
    DATASPACE,
    DATATYPE,
    EXTERNAL_FILES,
    FILTERS,
    LAYOUT,
    Message,
    find_message,
    open_body,
    require_message,
)
from envlock.formats.hdf5.storage import Storage


class Dataset(NamedTuple):
    """An array that the file holds."""

    shape: tuple[int, ...]
    """Lengths of the dimensions: ``()`` for a scalar, ``(0,)`` for a dataset without any value."""

    dtype: str
    """As numpy calls it, such as ``float32``; ``string`` for all kinds of strings."""


def describe_dataset(storage: Storage, messages: tuple[Message, ...], *, where: str) -> Dataset | None:
    """Shape and type of the dataset that *messages* describe; ``None`` where they describe something else."""
    if find_message(messages, LAYOUT) is None:
        return None
    datatype, space = read_type(storage, messages, where)
    shape = (0,) if space.dimensions is None else space.dimensions + datatype.dimensions
    return Dataset(shape=shape, dtype=datatype.name)


def read_values(storage: Storage, heap: GlobalHeap, messages: tuple[Message, ...], *, where: str) -> AttributeValue:
    """All values of the small dataset that *messages* describe, in row-major order.

    Raises:
        LimitExceededError: It is larger than 1 MiB.
        UnsupportedFeatureError: Its values are in other files or datasets, were never written, went through a
            filter other than deflate, shuffle and checksum.
    """
    datatype, space = read_type(storage, messages, where)
    if space.dimensions is None:
        return ()
    data = _read_bytes(storage, messages, datatype, space, where)
    cursor = storage.cursor_over(data, address=0, where=where)
    return decode_value(cursor, datatype, space.dimensions, storage=storage, heap=heap)


def read_type(storage: Storage, messages: tuple[Message, ...], where: str) -> tuple[Datatype, Dataspace]:
    """Type of the elements, and shape."""
    datatype = open_body(storage, require_message(messages, DATATYPE, where=where), where=where)
    dataspace = open_body(storage, require_message(messages, DATASPACE, where=where), where=where)
    return parse_datatype(datatype), parse_dataspace(dataspace)


def _read_bytes(
    storage: Storage,
    messages: tuple[Message, ...],
    datatype: Datatype,
    space: Dataspace,
    where: str,
) -> bytes:
    if find_message(messages, EXTERNAL_FILES) is not None:
        raise UnsupportedFeatureError(where, "a dataset whose values are in another file")
    element_size = datatype.size * math.prod(datatype.dimensions)
    size = math.prod(space.dimensions or ()) * element_size
    check_size(size, where=where)
    layout = parse_layout(open_body(storage, require_message(messages, LAYOUT, where=where), where=where))
    if isinstance(layout, Virtual):
        raise UnsupportedFeatureError(where, "a virtual dataset")
    if isinstance(layout, Compact):
        return layout.data
    if isinstance(layout, Contiguous):
        if layout.address is None:
            raise UnsupportedFeatureError(where, "a dataset that was never written")
        return storage.read(layout.address, size, where=where)
    return read_chunks(
        storage,
        layout,
        space=space,
        element_size=element_size,
        filters=read_filters(storage, messages, where),
        where=where,
    )


def read_filters(storage: Storage, messages: tuple[Message, ...], where: str) -> Filters:
    """What the chunks went through before they were stored."""
    message = find_message(messages, FILTERS)
    return () if message is None else parse_filters(open_body(storage, message, where=where))
