"""FlatBuffers, from a range reader to the fields of their tables, every offset checked before it is followed.

Nothing in the bytes says which fields a table has or what they are: the caller knows the schema, and asks for a field
by its place in it, from 0 on. Format: flatbuffers.dev, "FlatBuffer Internals".
"""

from __future__ import annotations

from collections.abc import Iterator

from envlock.errors import DamagedFileError, LimitExceededError
from envlock.formats.ranges import RangeReader

_OFFSET_SIZE = 4
_VTABLE_HEAD_SIZE = 4  # sizes of the vtable and of the table, two bytes each
_IDENTIFIER = slice(4, 8)
_MOST_READS = 500_000  # a model of 50,000 operations needs as many
_LARGEST_TEXT = 64 * 1024


def identifier_of(head: bytes) -> bytes:
    """The four bytes that name the schema, in *head*, the first bytes of a file."""
    return head[_IDENTIFIER]


class FlatBuffer:
    """One file, or a part of one; all offsets count from its start."""

    def __init__(self, reader: RangeReader, *, where: str) -> None:
        """Read from *reader*; *where* names the file in errors."""
        self._reader = reader
        self._reads_left = _MOST_READS
        self.where = where

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._reader.size

    def root(self) -> Table:
        """The outermost table."""
        return Table(self, self.follow(0))

    def follow(self, position: int) -> int:
        """The place that the offset at *position* leads to, which always lies behind it.

        Raises:
            DamagedFileError: It leads out of the file.
        """
        offset = self.unsigned(position, _OFFSET_SIZE)
        if not 0 < offset <= self.size - position - _OFFSET_SIZE:
            raise DamagedFileError(self.where, f"an offset of {offset} bytes leads out of the file", offset=position)
        return position + offset

    def unsigned(self, position: int, size: int) -> int:
        """The *size* bytes at *position* as a number."""
        return int.from_bytes(self.read(position, size), "little")

    def signed(self, position: int, size: int) -> int:
        """The *size* bytes at *position* as a number that may be negative."""
        return int.from_bytes(self.read(position, size), "little", signed=True)

    def read(self, position: int, size: int) -> bytes:
        """The *size* bytes at *position*.

        Raises:
            TruncatedFileError: The file ends first.
            LimitExceededError: The file was read more often than any model needs: its tables are shared.
        """
        self._reads_left -= 1
        if self._reads_left < 0:
            raise LimitExceededError(self.where, what="number of reads", limit=_MOST_READS, found=_MOST_READS + 1)
        return self._reader.read(position, size, where=self.where)


class Table:
    """A table of a flatbuffer: its fields by their place in the schema. A field that is not stored has its default."""

    __slots__ = ("_buffer", "_offsets", "position")

    def __init__(self, buffer: FlatBuffer, position: int) -> None:
        """Read where the fields of the table at *position* lie.

        Raises:
            DamagedFileError: What lists its fields is no such list, or lies outside of the file.
        """
        self._buffer = buffer
        self.position = position
        vtable = position - buffer.signed(position, _OFFSET_SIZE)
        size = buffer.unsigned(vtable, 2) if 0 <= vtable <= buffer.size - _VTABLE_HEAD_SIZE else 0
        if size < _VTABLE_HEAD_SIZE or size % 2:
            raise DamagedFileError(buffer.where, "a table without a list of its fields", offset=position)
        fields = buffer.read(vtable, size)[_VTABLE_HEAD_SIZE:]
        self._offsets = [int.from_bytes(fields[start : start + 2], "little") for start in range(0, len(fields), 2)]

    def unsigned(self, field: int, size: int, default: int = 0) -> int:
        """The number of *size* bytes that *field* holds."""
        place = self._place(field)
        return default if place is None else self._buffer.unsigned(place, size)

    def signed(self, field: int, size: int, default: int = 0) -> int:
        """The number of *size* bytes that *field* holds, which may be negative."""
        place = self._place(field)
        return default if place is None else self._buffer.signed(place, size)

    def table(self, field: int) -> Table | None:
        """The table that *field* leads to."""
        place = self._place(field)
        return None if place is None else Table(self._buffer, self._buffer.follow(place))

    def tables(self, field: int, *, limit: int) -> Iterator[Table]:
        """The tables of the vector *field*, of which there may be *limit*."""
        start, count = self.vector(field, element_size=_OFFSET_SIZE)
        self._check(count, limit, what="number of tables")
        for number in range(count):
            yield Table(self._buffer, self._buffer.follow(start + number * _OFFSET_SIZE))

    def table_at(self, field: int, index: int) -> Table | None:
        """The table at *index* of the vector *field*; ``None`` where the vector is shorter."""
        start, count = self.vector(field, element_size=_OFFSET_SIZE)
        if not 0 <= index < count:
            return None
        return Table(self._buffer, self._buffer.follow(start + index * _OFFSET_SIZE))

    def numbers(self, field: int, *, limit: int) -> tuple[int, ...]:
        """The 32-bit numbers of the vector *field*, of which there may be *limit*."""
        start, count = self.vector(field, element_size=4)
        self._check(count, limit, what="number of elements")
        data = self._buffer.read(start, 4 * count)
        return tuple(int.from_bytes(data[place : place + 4], "little", signed=True) for place in range(0, len(data), 4))

    def content(self, field: int, *, limit: int = _LARGEST_TEXT) -> bytes:
        """The bytes of the vector or string *field*, of which there may be *limit*."""
        start, count = self.vector(field, element_size=1)
        self._check(count, limit, what="size in bytes")
        return self._buffer.read(start, count)

    def text(self, field: int) -> str:
        """The string *field*, with surrogates for bytes that are no UTF-8; empty where it is not stored."""
        return self.content(field).decode(errors="surrogateescape")

    def vector(self, field: int, *, element_size: int) -> tuple[int, int]:
        """Where the elements of the vector *field* begin, and how many there are; none where it is not stored.

        Raises:
            DamagedFileError: They reach past the end of the file.
        """
        place = self._place(field)
        if place is None:
            return 0, 0
        head = self._buffer.follow(place)
        count = self._buffer.unsigned(head, 4)
        start = head + 4
        if count * element_size > self._buffer.size - start:
            problem = f"a vector of {count} elements reaches past the end of the file"
            raise DamagedFileError(self._buffer.where, problem, offset=head)
        return start, count

    def _place(self, field: int) -> int | None:
        offset = self._offsets[field] if field < len(self._offsets) else 0
        return self.position + offset if offset else None

    def _check(self, found: int, limit: int, *, what: str) -> None:
        if found > limit:
            where = f"{self._buffer.where} at offset {self.position}"
            raise LimitExceededError(where, what=what, limit=limit, found=found)
