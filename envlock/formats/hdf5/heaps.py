"""Local heaps (names of old groups) and global heaps (strings of variable length)."""

from __future__ import annotations

from typing import NamedTuple

from envlock.errors import DamagedFileError
from envlock.formats.hdf5.storage import Cursor, Storage


def open_local_heap(storage: Storage, address: int) -> LocalHeap:
    """The local heap at *address*."""
    where = "local heap"
    header = storage.structure(
        address, 8 + 2 * storage.widths.length + storage.widths.offset, signature=b"HEAP", where=where
    )
    header.version(0)
    header.skip(3)
    size = header.length()
    header.length()  # head of the free list
    data_address = header.defined_address()
    return LocalHeap(data=storage.read(data_address, size, where=where), data_address=data_address, storage=storage)


class LocalHeap(NamedTuple):
    """NUL-terminated texts, found by their offset."""

    data: bytes
    data_address: int
    storage: Storage

    def text(self, offset: int) -> bytes:
        """The text at *offset* of the heap's data.

        Raises:
            DamagedFileError: It starts or ends outside of the heap.
        """
        end = self.data.find(b"\0", offset)
        if end < 0:
            cursor = self.storage.cursor_over(b"", address=self.data_address, where="local heap")
            raise cursor.damaged(f"no text starts {offset} bytes into {len(self.data)} bytes")
        return self.data[offset:end]


class _Collection:
    """One collection of objects, searched no further than was needed so far."""

    def __init__(self, *, size: int, next_object: int) -> None:
        self.size = size
        self.next_object = next_object
        """Offset in the collection of the first object that was not seen yet."""
        self.objects: dict[int, tuple[int, int]] = {}
        """Index to offset in the collection and size in bytes."""


class GlobalHeap:
    """Objects of any size, found by the address of their collection and their index in it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._collections: dict[int, _Collection] = {}
        self._header_size = _padded(8 + storage.widths.length)
        """Bytes of the header of a collection, and of an object alike."""

    def read(self, reference: Cursor, size: int) -> bytes:
        """The first *size* bytes of the object that *reference* (an address and an index) points to.

        Raises:
            DamagedFileError: There is no such object, or it is shorter.
        """
        address, index = reference.address(), reference.unsigned(4)
        if size == 0:
            return b""
        if address is None:
            raise reference.damaged("the value points to no heap")
        offset, available = self._locate(address, index)
        if size > available:
            raise reference.damaged(f"expected a heap object of {size} bytes, found {available}")
        return self._storage.read(address + offset, size, where=reference.where)

    def _locate(self, address: int, index: int) -> tuple[int, int]:
        collection = self._collections.get(address)
        if collection is None:
            collection = self._collections[address] = self._open(address)
        while index not in collection.objects:
            self._search_on(address, collection, index)
        return collection.objects[index]

    def _open(self, address: int) -> _Collection:
        header_size = self._header_size
        header = self._storage.structure(address, header_size, signature=b"GCOL", where="global heap")
        header.version(1)
        header.skip(3)
        return _Collection(size=header.length(), next_object=header_size)

    def _search_on(self, address: int, collection: _Collection, wanted: int) -> None:
        """Take the next object of *collection* into its books."""
        header_size = self._header_size
        place = address + collection.next_object
        if collection.next_object + header_size > collection.size:
            raise DamagedFileError("global heap", f"object {wanted} is missing", offset=place)
        self._storage.count(1, where="global heap")
        header = self._storage.cursor(place, header_size, where="global heap")
        index = header.unsigned(2)
        header.skip(6)  # reference count, padding
        size = header.length()
        start = collection.next_object + header_size
        # Index 0 is the free space behind the last object.
        if index == 0 or start + size > collection.size:
            raise header.damaged(f"object {wanted} is missing from the collection or ends outside of it")
        collection.objects[index] = start, size
        collection.next_object = start + _padded(size)


def _padded(size: int) -> int:
    """*size* rounded up to a multiple of eight, as everything in a global heap is."""
    return size + -size % 8
