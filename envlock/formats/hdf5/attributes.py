"""Attributes: small named values of a group or dataset, in its header or, where they are many or large, in a heap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from envlock.errors import UnsupportedFeatureError
from envlock.formats.hdf5.checksum import lookup3
from envlock.formats.hdf5.datatypes import AttributeValue, decode_value, parse_dataspace, parse_datatype
from envlock.formats.hdf5.heaps import GlobalHeap
from envlock.formats.hdf5.object_header import (
    ATTRIBUTE,
    ATTRIBUTE_INFO,
    DATASPACE,
    DATATYPE,
    Message,
    find_message,
    follow_shared,
    open_body,
)
from envlock.formats.hdf5.storage import Cursor, Storage, decode_text
from envlock.formats.hdf5.trees import iterate_tree_records

_NAME_INDEX = 8
_ORDER_TRACKED = 0x01
_DATATYPE_SHARED, _DATASPACE_SHARED = 0x01, 0x02
_MESSAGE_SHARED = 0x02
_SHOWN_NAME = 80


class Attribute(NamedTuple):
    """An attribute that was found, with its parts not yet looked into."""

    name: str
    flags: int
    datatype: Cursor
    dataspace: Cursor
    data: Cursor

    def decode(self, storage: Storage, heap: GlobalHeap) -> AttributeValue:
        """Its value.

        Raises:
            DamagedFileError: Its parts contradict each other.
        """
        datatype_body, dataspace_body = self.datatype, self.dataspace
        if self.flags & _DATATYPE_SHARED:
            datatype_body = follow_shared(storage, datatype_body, DATATYPE)
        if self.flags & _DATASPACE_SHARED:
            dataspace_body = follow_shared(storage, dataspace_body, DATASPACE)
        datatype, dimensions = parse_datatype(datatype_body), parse_dataspace(dataspace_body).dimensions
        return decode_value(self.data, datatype, dimensions, storage=storage, heap=heap)


def iterate_attributes(
    storage: Storage, messages: tuple[Message, ...], *, path: str, name: str | None = None
) -> Iterator[Attribute]:
    """The attributes of the object at *path*, which *messages* describe, or the one called *name* alone."""
    for message in messages:
        if message.kind == ATTRIBUTE:
            body = open_body(storage, message, where=f"attribute of {path!a}")
            attribute = _parse_attribute(body, path)
            if name in (None, attribute.name):
                yield attribute
    for body in _iterate_dense(storage, messages, path, name):
        attribute = _parse_attribute(body, path)
        if name in (None, attribute.name):
            yield attribute


def _iterate_dense(storage: Storage, messages: tuple[Message, ...], path: str, name: str | None) -> Iterator[Cursor]:
    """Attribute messages in a heap; with a *name*, those alone whose name has the same hash."""
    message = find_message(messages, ATTRIBUTE_INFO)
    if message is None:
        return
    where = f"attribute of {path!a}"
    info = open_body(storage, message, where=where)
    info.version(0)
    info.skip(2 if info.unsigned(1) & _ORDER_TRACKED else 0)
    heap_address, index_address = info.address(), info.address()
    if heap_address is None or index_address is None:
        return
    wanted = None if name is None else lookup3(name.encode("utf-8", "surrogateescape"))
    # Few objects have so many attributes, or so large ones.
    from envlock.formats.hdf5.fractal_heap import FractalHeap

    heap = FractalHeap(storage, heap_address)
    for record in iterate_tree_records(storage, index_address, kind=_NAME_INDEX):
        heap_id, flags = record.take(heap.id_size), record.unsigned(1)
        record.skip(4)  # creation order
        if wanted in (None, record.unsigned(4)):
            if flags & _MESSAGE_SHARED:
                raise UnsupportedFeatureError(where, "a message in the shared message heap")
            yield heap.read(heap_id, where=where)


def _parse_attribute(cursor: Cursor, path: str) -> Attribute:
    version = cursor.version(1, 2, 3)
    flags = cursor.unsigned(1)  # padding in version 1
    sizes = [cursor.unsigned(2) for _ in range(3)]
    cursor.skip(1 if version == 3 else 0)  # character set of the name
    # Version 1 pads every part to a multiple of eight bytes.
    padding = [-size % 8 if version == 1 else 0 for size in sizes]
    name = decode_text(cursor.take(sizes[0]).partition(b"\0")[0])
    where = f"attribute {name[:_SHOWN_NAME]!a} of {path!a}"
    cursor.skip(padding[0])
    datatype = cursor.part(sizes[1], where=where)
    cursor.skip(padding[1])
    dataspace = cursor.part(sizes[2], where=where)
    cursor.skip(padding[2])
    data = cursor.part(cursor.remaining, where=where)
    flags = 0 if version == 1 else flags
    return Attribute(name=name, flags=flags, datatype=datatype, dataspace=dataspace, data=data)
