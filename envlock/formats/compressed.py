"""The start of what a compressed file holds, unpacked within limits, and the names in a tar archive."""

from __future__ import annotations

import bz2
import lzma
import zlib

from envlock.formats.ranges import RangeReader

_LARGEST_XZ_MEMORY = 128 * 1024 * 1024
_ZLIB, _GZIP = 15, 31
"""Window sizes that tell zlib which container to expect."""

_KINDS = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x5d\x00\x00", "an LZMA archive"),
    (b"\x78\x01", "a zlib stream"),
    (b"\x78\x5e", "a zlib stream"),
    (b"\x78\x9c", "a zlib stream"),
    (b"\x78\xda", "a zlib stream"),
)

_BLOCK = 512
_MAGIC = slice(257, 262)
_NAME, _SIZE, _KIND, _PREFIX = slice(0, 100), slice(124, 135), slice(156, 157), slice(345, 500)
_ADDING_KINDS = frozenset({b"x", b"g", b"L", b"K"})
"""Headers that only add to the one after them."""

_MOST_MEMBERS = 1000


def compression_of(head: bytes) -> str | None:
    """What kind of compressed file begins with *head*, such as ``a gzip archive``; ``None`` for no such file."""
    return next((kind for signature, kind in _KINDS if head.startswith(signature)), None)


def unpack_start(data: bytes, limit: int) -> bytes:
    """At most *limit* bytes of what the compressed *data* holds; fewer where it is cut short or damaged."""
    try:
        if data.startswith(b"BZh"):
            return bz2.BZ2Decompressor().decompress(data, limit)
        if data.startswith((b"\xfd7zXZ\x00", b"\x5d\x00\x00")):
            return lzma.LZMADecompressor(memlimit=_LARGEST_XZ_MEMORY).decompress(data, limit)
        return zlib.decompressobj(_GZIP if data.startswith(b"\x1f\x8b") else _ZLIB).decompress(data, limit)
    except (OSError, EOFError, MemoryError, lzma.LZMAError, zlib.error):
        return b""


def is_tar(head: bytes) -> bool:
    """Whether *head* begins a tar archive."""
    return head[_MAGIC] == b"ustar"


def tar_names(reader: RangeReader) -> list[str]:
    """Names of the members of a tar archive, up to its first damage, at most 1,000."""
    names: list[str] = []
    offset = 0
    for _ in range(_MOST_MEMBERS):
        if offset + _BLOCK > reader.size:
            break
        header = reader.read(offset, _BLOCK, where="tar archive")
        size = header[_SIZE].strip(b" \0")
        if not is_tar(header) or not size.isdigit():
            break
        if header[_KIND] not in _ADDING_KINDS:
            parts = (header[_PREFIX].partition(b"\0")[0], header[_NAME].partition(b"\0")[0])
            names.append("/".join(part.decode("utf-8", "surrogateescape") for part in parts if part))
        offset += _BLOCK + -(-_octal(size) // _BLOCK) * _BLOCK
    return names


def _octal(digits: bytes) -> int:
    return int(digits, 8) if not set(digits) & {0x38, 0x39} else 0
