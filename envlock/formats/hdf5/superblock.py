"""The superblock: where HDF5 data start and end in a file, how wide its fields are, where its root group is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from envlock.errors import DamagedFileError, TruncatedFileError, UnsupportedFeatureError
from envlock.formats.hdf5.storage import CHECKSUM_SIZE, Cursor, Storage, Widths
from envlock.formats.ranges import RangeReader

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_WHERE = "HDF5 superblock"
_SIGNATURE_OFFSETS = (0, *(512 << power for power in range(12)))
_WIDTHS = (2, 4, 8)
_VERSION_1_EXTRA = 4
"""Bytes that version 1 adds to version 0: the K of indexed storage, and padding."""


class Superblock(NamedTuple):
    """What the superblock says about the file."""

    base: int
    """Offset of the superblock in the file; every address counts from here."""

    widths: Widths
    root_address: int
    """Address of the object header of the root group."""


def find_hdf5_signature(head: bytes) -> bool:
    """Whether HDF5 data start in *head*, the first bytes of a file: at its beginning or behind a user block."""
    return any(head[offset:].startswith(_SIGNATURE) for offset in _signature_offsets(len(head)))


def read_superblock(reader: RangeReader) -> Superblock:
    """Find and read the superblock.

    Raises:
        DamagedFileError: There is none, or it contradicts the format.
        TruncatedFileError: The file ends before the data that the superblock announces.
        UnsupportedFeatureError: The data are spread over several files.
    """
    base = _find_signature(reader)
    version = reader.read(base + len(_SIGNATURE), 1, where=_WHERE)[0]
    if version in (0, 1):
        return _read_old(reader, base, version)
    if version in (2, 3):
        return _read_new(reader, base)
    raise DamagedFileError(_WHERE, f"version {version} is none of 0, 1, 2, 3", offset=base + len(_SIGNATURE))


def _signature_offsets(size: int) -> Iterator[int]:
    """Where the data may start in a file of *size* bytes: behind no user block, or one of a power of two."""
    return (offset for offset in _SIGNATURE_OFFSETS if offset + len(_SIGNATURE) <= size)


def _find_signature(reader: RangeReader) -> int:
    for offset in _signature_offsets(reader.size):
        if reader.read(offset, len(_SIGNATURE), where="HDF5 signature") == _SIGNATURE:
            return offset
    raise DamagedFileError("HDF5 signature", "found neither at the start of the file nor behind a user block")


def _read_old(reader: RangeReader, base: int, version: int) -> Superblock:
    """Versions 0 and 1."""
    fixed = Cursor(reader.read(base, 24, where=_WHERE), offset=base, where=_WHERE, widths=Widths(offset=8, length=8))
    fixed.skip(13)  # signature; versions of superblock, free space, root entry and shared messages; padding
    widths = _read_widths(fixed)
    start = base + 24 + (_VERSION_1_EXTRA if version == 1 else 0)
    size = 6 * widths.offset
    cursor = Cursor(reader.read(start, size, where=_WHERE), offset=start, where=_WHERE, widths=widths)
    declared_base = cursor.defined_address()
    cursor.address()  # free-space information
    end = cursor.defined_address()
    if cursor.address() is not None:  # driver information block
        raise UnsupportedFeatureError(_WHERE, "a file whose data a storage driver spread over several files")
    cursor.address()  # offset of the root's name, which it has none of
    root_address = cursor.defined_address()
    _check_end(reader, base, end - declared_base)
    return Superblock(base=base, widths=widths, root_address=root_address)


def _read_new(reader: RangeReader, base: int) -> Superblock:
    """Versions 2 and 3, which end in a checksum."""
    fixed = Cursor(reader.read(base, 12, where=_WHERE), offset=base, where=_WHERE, widths=Widths(offset=8, length=8))
    fixed.skip(9)  # signature, version
    widths = _read_widths(fixed)
    size = 12 + 4 * widths.offset + CHECKSUM_SIZE
    # A file that was cut within its superblock is truncated: ask for the whole of it before anything is judged.
    reader.read(base, size, where=_WHERE)
    storage = Storage(reader, base=base, widths=widths)
    cursor = storage.checksummed(0, size, signature=_SIGNATURE, where=_WHERE)
    cursor.skip(4)  # version, widths, consistency flags
    declared_base = cursor.defined_address()
    cursor.address()  # superblock extension
    end = cursor.defined_address()
    root_address = cursor.defined_address()
    _check_end(reader, base, end - declared_base)
    return Superblock(base=base, widths=widths, root_address=root_address)


def _read_widths(cursor: Cursor) -> Widths:
    offset, length = cursor.unsigned(1), cursor.unsigned(1)
    if offset not in _WIDTHS or length not in _WIDTHS:
        raise cursor.damaged(f"addresses of {offset} bytes and lengths of {length} bytes are none of 2, 4, 8")
    return Widths(offset=offset, length=length)


def _check_end(reader: RangeReader, base: int, size: int) -> None:
    """Compare the announced *size* of the data; a longer file is fine, HDF5 allocates ahead."""
    found = reader.size - base
    if found < size:
        raise TruncatedFileError("HDF5 file", offset=base, expected=size, found=found)
