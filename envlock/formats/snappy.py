"""Snappy-compressed blocks, from bytes to bytes. Format: google/snappy, format_description.txt."""

from __future__ import annotations

from envlock.errors import DamagedFileError, LimitExceededError
from envlock.formats.protobuf import read_varint

_LITERAL = 0
# Kinds of copies: size of the offset behind the tag in bytes.
_OFFSET_SIZES = {1: 1, 2: 2, 3: 4}
_LONGEST_SHORT_LITERAL = 60
"""Longer literals have their length behind the tag, in as many bytes as the tag goes beyond this."""


def decompress(data: bytes, *, where: str, origin: int, limit: int) -> bytes:
    """Decompress one block to at most *limit* bytes; *origin* is the offset of *data* in the file *where* names.

    Raises:
        LimitExceededError: The block announces more than *limit* bytes.
        DamagedFileError: It is cut short, or copies from before its start.
    """
    size, position = read_varint(data, 0, where=where, origin=origin)
    if size > limit:
        raise LimitExceededError(where, what="size of a block in bytes", limit=limit, found=size)
    output = bytearray()
    while position < len(data) and len(output) <= size:
        tag = data[position]
        start = position + 1
        kind = tag & 3
        if kind == _LITERAL:
            start, length = _literal(data, start, tag >> 2)
            output += data[start : start + length]
            position = start + length
        else:
            position = start + _OFFSET_SIZES[kind]
            offset = int.from_bytes(data[start:position], "little")
            length = (tag >> 2) + 1
            if kind == 1:  # three bits of the length, and the upper three bits of the offset, share the tag
                offset += (tag >> 5) << 8
                length = (tag >> 2 & 7) + 4
            if not 0 < offset <= len(output):
                raise DamagedFileError(where, "a copy from before the start of its block", offset=origin + start - 1)
            output += _repeat(output[-offset:][:length], length)
    if len(output) != size:
        problem = f"a compressed block of {size} bytes gives {len(output)}"
        raise DamagedFileError(where, problem, offset=origin)
    return bytes(output)


def _literal(data: bytes, start: int, length_less_one: int) -> tuple[int, int]:
    """Where the bytes of a literal begin, and how many there are."""
    if length_less_one < _LONGEST_SHORT_LITERAL:
        return start, length_less_one + 1
    behind = start + length_less_one - _LONGEST_SHORT_LITERAL + 1
    return behind, int.from_bytes(data[start:behind], "little") + 1


def _repeat(pattern: bytearray, length: int) -> bytearray:
    """The first *length* bytes of *pattern*, which starts anew where it is shorter: copies may overlap."""
    return (pattern * (length // len(pattern) + 1))[:length]
