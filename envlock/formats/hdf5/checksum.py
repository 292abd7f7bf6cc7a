"""The checksums of HDF5: Bob Jenkins' public domain ``lookup3`` of metadata, and that of the Fletcher32 filter."""

from __future__ import annotations

import struct
from itertools import accumulate

_MASK = 0xFFFFFFFF
_GOLDEN = 0xDEADBEEF


def lookup3(data: bytes) -> int:
    """The 32-bit hash of *data*, little-endian, initial value 0; also what version 2 B-trees order names by."""
    a = b = c = (_GOLDEN + len(data)) & _MASK
    if not data:
        return c
    # The last 1 to 12 bytes are mixed differently, padded with zeros.
    body_blocks = (len(data) - 1) // 12
    padded = data + bytes(-len(data) % 12)
    words = struct.unpack(f"<{len(padded) // 4}I", padded)
    for index in range(0, body_blocks * 3, 3):
        a, b, c = _mix((a + words[index]) & _MASK, (b + words[index + 1]) & _MASK, (c + words[index + 2]) & _MASK)
    return _finish((a + words[-3]) & _MASK, (b + words[-2]) & _MASK, (c + words[-1]) & _MASK)


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    a = (a - c & _MASK) ^ (c << 4 & _MASK | c >> 28)
    c = c + b & _MASK
    b = (b - a & _MASK) ^ (a << 6 & _MASK | a >> 26)
    a = a + c & _MASK
    c = (c - b & _MASK) ^ (b << 8 & _MASK | b >> 24)
    b = b + a & _MASK
    a = (a - c & _MASK) ^ (c << 16 & _MASK | c >> 16)
    c = c + b & _MASK
    b = (b - a & _MASK) ^ (a << 19 & _MASK | a >> 13)
    a = a + c & _MASK
    c = (c - b & _MASK) ^ (b << 4 & _MASK | b >> 28)
    b = b + a & _MASK
    return a, b, c


def _finish(a: int, b: int, c: int) -> int:
    c = (c ^ b) - (b << 14 & _MASK | b >> 18) & _MASK
    a = (a ^ c) - (c << 11 & _MASK | c >> 21) & _MASK
    b = (b ^ a) - (a << 25 & _MASK | a >> 7) & _MASK
    c = (c ^ b) - (b << 16 & _MASK | b >> 16) & _MASK
    a = (a ^ c) - (c << 4 & _MASK | c >> 28) & _MASK
    b = (b ^ a) - (a << 14 & _MASK | a >> 18) & _MASK
    return (c ^ b) - (b << 24 & _MASK | b >> 8) & _MASK


def fletcher32(data: bytes) -> int:
    """Two sums of the big-endian 16-bit words of *data*, an odd byte padded with zero: of the words, and of that sum.

    Both are modulo 65535, where only nothing but zeros sums up to zero (H5checksum.c).
    """
    padded = data + bytes(len(data) % 2)
    words = struct.unpack(f">{len(padded) // 2}H", padded)
    first, second = sum(words), sum(accumulate(words))
    return _folded(second) << 16 | _folded(first)


def _folded(total: int) -> int:
    return total % 0xFFFF or (0xFFFF if total else 0)
