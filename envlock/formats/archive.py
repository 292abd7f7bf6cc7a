"""Reads zip archives as Keras writes them: members by name, in memory, within limits. Nothing is ever extracted."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple, cast

from envlock.errors import (
    ArtifactError,
    DamagedFileError,
    LimitExceededError,
    TruncatedFileError,
    UnsupportedFeatureError,
)
from envlock.formats.ranges import RangeReader, RangeStream
from envlock.formats.zip_signature import END_SIGNATURE, LOCAL_SIGNATURE

_WHERE = "zip archive"
_LARGEST_DIRECTORY = 2 * 1024 * 1024
"""Bytes that zipfile may ask for at once, which it does for the central directory alone: some 20,000 members."""

_PIECE = 64 * 1024
_END_SIZE = 22
_LARGEST_COMMENT = 0xFFFF
_LOCAL_HEADER = struct.Struct("<4s22x2H")
"""Signature, length of the name, length of the extra field; what lies between stands in the directory too."""

_ENCRYPTED = 0x01
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What archives of Keras use. LZMA is out: its header chooses how much memory the reader allocates."""

ZIPFILE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,  # UnicodeDecodeError is one
    OSError,
)
"""All that zipfile is known to raise for the bytes of a foreign file."""


class Member(NamedTuple):
    """One entry of the archive's directory."""

    name: str
    """As stored; escape it before printing."""

    size: int
    """Bytes once unpacked, as declared."""

    compressed_size: int
    """Bytes in the archive, as declared."""

    @property
    def escapes(self) -> bool:
        """Whether a program that extracts the member would leave its folder: `..`, an absolute path, a drive."""
        parts = self.name.replace("\\", "/").split("/")
        return ".." in parts or parts[0] == "" or parts[0].endswith(":")


class Archive:
    """An open zip archive."""

    def __init__(self, reader: RangeReader) -> None:
        """Read the directory of the archive behind *reader*.

        Raises:
            DamagedFileError: It is no zip archive, contradicts the format, or names a member twice.
            LimitExceededError: Its directory has more than 2 MiB.
            TruncatedFileError: Its end, where the directory stands, is missing.
        """
        self._reader = reader
        _require_end(reader)
        with _translated(_WHERE):
            self._zip = zipfile.ZipFile(_open_stream(reader, 0, reader.size, largest_read=_LARGEST_DIRECTORY))
        self._entries = _index(self._zip.infolist())

    @property
    def members(self) -> tuple[Member, ...]:
        """Every member, folders included, in the order of the directory."""
        return tuple(
            Member(name=name, size=entry.file_size, compressed_size=entry.compress_size)
            for name, entry in self._entries.items()
        )

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def read_member(self, name: str, *, limit: int) -> bytes:
        """The content of the member *name*, checked against its CRC.

        Raises:
            DamagedFileError: There is no such member, it lies outside of the archive, or its CRC differs.
            LimitExceededError: It declares, or unpacks to, more than *limit* bytes.
            UnsupportedFeatureError: It is encrypted, or packed by another method than deflate.
        """
        entry = self._find(name)
        where = _place(name)
        if entry.file_size > limit:
            raise LimitExceededError(where, what="size in bytes", limit=limit, found=entry.file_size)
        content = bytearray()
        with _translated(where), self._zip.open(entry) as stream:
            while piece := stream.read(min(_PIECE, limit + 1 - len(content))):
                content += piece
                if len(content) > limit:
                    raise LimitExceededError(where, what="size in bytes", limit=limit, found=len(content))
        if len(content) != entry.file_size:
            raise DamagedFileError(where, f"expected {entry.file_size} bytes, found {len(content)}")
        return bytes(content)

    def start_of(self, name: str) -> int:
        """The offset in the archive at which the member *name* begins, its header included."""
        return self._find(name).header_offset

    def verify_member(self, name: str) -> None:
        """Read the member *name* to its end, without keeping it, and check its CRC.

        Raises:
            DamagedFileError: It lies outside of the archive, or its CRC or size differs.
            UnsupportedFeatureError: It is encrypted, or packed by another method than deflate.
        """
        entry = self._find(name)
        size = 0
        with _translated(_place(name)), self._zip.open(entry) as stream:
            while piece := stream.read(_PIECE):
                size += len(piece)
        if size != entry.file_size:
            raise DamagedFileError(_place(name), f"expected {entry.file_size} bytes, found {size}")

    def open_member(self, name: str, *, limit: int) -> RangeReader:
        """Random access to the member *name*: weights need not be read whole.

        A member that is stored as it is may have any size and is not checked against its CRC. One that is packed
        is unpacked in memory first, see :meth:`read_member`.
        """
        entry = self._find(name)
        if entry.compress_type != zipfile.ZIP_STORED:
            return RangeReader(io.BytesIO(self.read_member(name, limit=limit)))
        where = _place(name)
        header = self._reader.read(entry.header_offset, _LOCAL_HEADER.size, where=where)
        signature, name_size, extra_size = _LOCAL_HEADER.unpack(header)
        start = entry.header_offset + _LOCAL_HEADER.size + name_size + extra_size
        if signature != LOCAL_SIGNATURE or start + entry.file_size > self._reader.size:
            raise DamagedFileError(where, "the directory points to no member", offset=entry.header_offset)
        size = entry.file_size
        return RangeReader(_open_stream(self._reader, start, size, largest_read=size))

    def _find(self, name: str) -> zipfile.ZipInfo:
        """The entry of *name*, once it is known to be one that can be read."""
        entry = self._entries.get(name)
        if entry is None:
            raise DamagedFileError(_WHERE, f"member {name!a} is missing")
        where = _place(name)
        if entry.flag_bits & _ENCRYPTED:
            raise UnsupportedFeatureError(where, "encryption")
        if entry.compress_type not in _METHODS:
            raise UnsupportedFeatureError(where, f"compression method {entry.compress_type}")
        end = entry.header_offset + _LOCAL_HEADER.size + entry.compress_size
        if entry.header_offset < 0 or end > self._reader.size:
            raise DamagedFileError(where, "it lies outside of the archive", offset=entry.header_offset)
        return entry


def _place(name: str) -> str:
    return f"zip member {name[:80]!a}"


def _require_end(reader: RangeReader) -> None:
    """Find the record that ends every archive, which is the first thing that a broken download lacks."""
    size = min(reader.size, _END_SIZE + _LARGEST_COMMENT)
    tail = reader.read(reader.size - size, size, where=_WHERE)
    if END_SIGNATURE in tail:
        return
    if reader.size >= 4 and reader.read(0, 4, where=_WHERE) == LOCAL_SIGNATURE:
        raise TruncatedFileError("end of the zip directory", offset=reader.size, expected=_END_SIZE, found=0)
    raise DamagedFileError(_WHERE, "found neither its start nor its end")


def _index(entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    index: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        # Which of two a program reads is its own choice: a checker and a loader may see different models.
        if entry.filename in index:
            raise DamagedFileError(_WHERE, f"member {entry.filename[:80]!a} is there twice")
        index[entry.filename] = entry
    return index


@contextmanager
def _translated(where: str) -> Iterator[None]:
    """Turn what zipfile raises for a malformed archive into errors of this package."""
    try:
        yield
    except ArtifactError:
        raise
    except ZIPFILE_ERRORS as error:
        detail = str(error) or type(error).__name__
        raise DamagedFileError(where, f"the archive cannot be read: {detail!a}") from error


def _open_stream(reader: RangeReader, start: int, size: int, *, largest_read: int) -> BinaryIO:
    # A raw stream that reads whole is all that the users of these streams need of a BinaryIO.
    return cast("BinaryIO", _PartStream(reader, start, size, largest_read))


class _PartStream(RangeStream):
    """A part of what a reader gives, as a file object that refuses to read more than a given size at once."""

    def __init__(self, reader: RangeReader, start: int, size: int, largest_read: int) -> None:
        super().__init__(size)
        self._reader = reader
        self._start = start
        self._largest_read = largest_read

    def read_range(self, start: int, size: int) -> bytes:
        if size > self._largest_read:
            what = "size of the directory in bytes"
            raise LimitExceededError(_WHERE, what=what, limit=self._largest_read, found=size)
        return self._reader.read(self._start + start, size, where=_WHERE)
