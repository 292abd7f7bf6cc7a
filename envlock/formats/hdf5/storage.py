"""Bounded access to the structures of one HDF5 file: every byte and every structure is counted before it is read."""

from __future__ import annotations

from typing import NamedTuple

from envlock.errors import DamagedFileError, LimitExceededError
from envlock.formats.hdf5.checksum import lookup3
from envlock.formats.ranges import RangeReader

BYTES_LIMIT = 32 * 1024 * 1024
"""Bytes of metadata and values taken from one file: the largest known configurations have a few MB."""

STRUCTURES_LIMIT = 200_000
"""Messages, nodes, links and array elements taken from one file; a model of 1,000 layers has some 60,000."""

_CHECKSUMMED_BYTES = 1024 * 1024
CHECKSUM_SIZE = 4


class Widths(NamedTuple):
    """Sizes in bytes of the two variable field types, set in the superblock."""

    offset: int
    length: int


class Cursor:
    """Takes fields, one after the other, from the bytes of one structure; numbers are little-endian."""

    __slots__ = ("_data", "_offset", "_position", "_widths", "where")

    def __init__(self, data: bytes, *, offset: int, where: str, widths: Widths) -> None:
        """*offset* is the place of *data* in the file, for errors."""
        self._data = data
        self._offset = offset
        self._position = 0
        self._widths = widths
        self.where = where

    @property
    def position(self) -> int:
        """Bytes taken so far."""
        return self._position

    @property
    def remaining(self) -> int:
        """Bytes not yet taken."""
        return len(self._data) - self._position

    def take(self, size: int) -> bytes:
        """The next *size* bytes.

        Raises:
            DamagedFileError: The structure ends first.
        """
        end = self._position + size
        if end > len(self._data):
            raise self.damaged(f"a field of {size} bytes does not fit into the {self.remaining} bytes left")
        field = self._data[self._position : end]
        self._position = end
        return field

    def skip(self, size: int) -> None:
        """Pass over *size* bytes of fields that are not needed."""
        self.take(size)

    def part(self, size: int, *, where: str | None = None) -> Cursor:
        """A cursor over the next *size* bytes alone."""
        offset = self._offset + self._position
        return Cursor(self.take(size), offset=offset, where=where or self.where, widths=self._widths)

    def unsigned(self, size: int) -> int:
        """The next *size* bytes as a number."""
        return int.from_bytes(self.take(size), "little")

    def length(self) -> int:
        """The next field of the file's length size."""
        return self.unsigned(self._widths.length)

    def address(self) -> int | None:
        """The next address, counted from the base address of the file; ``None`` where it is undefined."""
        return self._unless_all_ones(self._widths.offset)

    def length_or_none(self) -> int | None:
        """The next field of the file's length size; ``None`` where it has no limit."""
        return self._unless_all_ones(self._widths.length)

    def _unless_all_ones(self, size: int) -> int | None:
        field = self.take(size)
        return None if field == b"\xff" * size else int.from_bytes(field, "little")

    def defined_address(self) -> int:
        """The next address, which the structure cannot do without."""
        address = self.address()
        if address is None:
            raise self.damaged("an address that must be set is undefined")
        return address

    def text(self) -> bytes:
        """The bytes up to the next NUL, which is passed over too."""
        end = self._data.find(b"\0", self._position)
        if end < 0:
            raise self.damaged("a text has no end")
        text = self.take(end - self._position)
        self._position += 1
        return text

    def version(self, *known: int) -> int:
        """The version byte of the structure.

        Raises:
            DamagedFileError: It is none of the *known* ones; the format names all of them.
        """
        version = self.unsigned(1)
        if version not in known:
            raise self.damaged(f"version {version} is none of {', '.join(map(str, known))}")
        return version

    def expect(self, signature: bytes) -> None:
        """Pass over *signature*.

        Raises:
            DamagedFileError: Something else stands here.
        """
        found = self._data[self._position : self._position + len(signature)]
        if found != signature:
            raise self.damaged(f"expected the signature {signature!r}, found {found!r}")
        self._position += len(signature)

    def damaged(self, problem: str) -> DamagedFileError:
        """The error for a *problem* found at the current place."""
        return DamagedFileError(self.where, problem, offset=self._offset + self._position)


class Storage:
    """The bytes of an HDF5 file by address, within the limits for one file."""

    def __init__(self, reader: RangeReader, *, base: int, widths: Widths) -> None:
        """*base* is the offset in *reader* that addresses count from."""
        self._reader = reader
        self._base = base
        self._bytes_left = BYTES_LIMIT
        self._structures_left = STRUCTURES_LIMIT
        self._checksums_left = _CHECKSUMMED_BYTES
        self.widths = widths

    @property
    def size(self) -> int:
        """Bytes of the file that addresses can lead to."""
        return self._reader.size - self._base

    def count(self, structures: int, *, where: str) -> None:
        """Enter *structures* into the books.

        Raises:
            LimitExceededError: The file has more of them than any model.
        """
        self._structures_left -= structures
        if self._structures_left < 0:
            found = STRUCTURES_LIMIT - self._structures_left
            raise LimitExceededError(where, what="number of structures", limit=STRUCTURES_LIMIT, found=found)

    def charge(self, size: int, *, where: str) -> None:
        """Enter *size* bytes, read or unpacked, into the books.

        Raises:
            LimitExceededError: The file asks for more than any model needs.
        """
        self._bytes_left -= size
        if self._bytes_left < 0:
            found = BYTES_LIMIT - self._bytes_left
            raise LimitExceededError(where, what="number of bytes read", limit=BYTES_LIMIT, found=found)

    def read(self, address: int, size: int, *, where: str) -> bytes:
        """Read *size* bytes at *address*.

        Raises:
            DamagedFileError: They lie outside of the file, though the file has the length that it announces.
            LimitExceededError: See :meth:`charge`.
        """
        offset = self._base + address
        if offset + size > self._reader.size:
            raise DamagedFileError(where, f"{size} bytes here reach past the end of the file", offset=offset)
        self.charge(size, where=where)
        return self._reader.read(offset, size, where=where)

    def cursor(self, address: int, size: int, *, where: str) -> Cursor:
        """A cursor over *size* bytes at *address*."""
        data = self.read(address, size, where=where)
        return self.cursor_over(data, address=address, where=where)

    def cursor_over(self, data: bytes, *, address: int, where: str) -> Cursor:
        """A cursor over *data*, which was read at *address*."""
        return Cursor(data, offset=self._base + address, where=where, widths=self.widths)

    def structure(self, address: int, size: int, *, signature: bytes, where: str) -> Cursor:
        """A cursor over the structure of *size* bytes that starts with *signature*, behind the signature.

        Raises:
            DamagedFileError: Something else stands at *address*.
        """
        self.count(1, where=where)
        cursor = self.cursor(address, size, where=where)
        cursor.expect(signature)
        return cursor

    def checksummed(self, address: int, size: int, *, signature: bytes, where: str) -> Cursor:
        """Like :meth:`structure`, for one whose last four of *size* bytes are a checksum over all before them."""
        cursor = self.structure(address, size, signature=signature, where=where)
        body = cursor.take(size - len(signature) - CHECKSUM_SIZE)
        self.verify(signature + body, checksum=cursor.unsigned(CHECKSUM_SIZE), address=address, where=where)
        return self.cursor_over(body, address=address + len(signature), where=where)

    def verify(self, data: bytes, *, checksum: int, address: int, where: str) -> None:
        """Compare the *checksum* of *data*.

        A checksum proves an accident, it does not stop an attacker; past the first megabyte of a file the proof
        costs more than it tells, and the structures are checked by their bounds alone.

        Raises:
            DamagedFileError: It differs.
        """
        if len(data) > self._checksums_left:
            return
        self._checksums_left -= len(data)
        if lookup3(data) != checksum:
            raise DamagedFileError(where, "the checksum does not match the content", offset=self._base + address)


def bytes_for(number: int) -> int:
    """Bytes that the format reserves for numbers from 0 up to *number*."""
    return max(1, (number.bit_length() + 7) // 8)


def is_power_of_two(number: int) -> bool:
    """Whether *number* is 1, 2, 4 and so on, as sizes of blocks are that double."""
    return number > 0 and number & (number - 1) == 0


def decode_text(data: bytes) -> str:
    """The text of *data*; bytes that are no UTF-8 become surrogates, so that nothing is lost."""
    return data.decode("utf-8", "surrogateescape")
