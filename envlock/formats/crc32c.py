"""CRC-32C (Castagnoli), which TensorFlow keeps of tensors and of the blocks of its tables.

Parameters: RFC 3720, appendix B.4. The standard library has no such checksum, and looking up a table for each byte
takes a second for ten megabytes; so a long input is first made short by operations on large integers.
"""

from __future__ import annotations

_POLYNOMIAL = 0x82F63B78  # x^32 + x^28 + x^27 + … + 1, the highest power in the lowest bit
_ALL_ONES = 0xFFFFFFFF
_MASK_DELTA = 0xA282EAD8

# The checksum is the remainder of the input, as a polynomial over two elements, by the one above. It does not change
# when a multiple of that polynomial is added, and x^6777 + x^484 + x^100 + 1 is such a multiple, found by search: of
# those with four terms that are short, the one whose other terms lie farthest from the first. Squaring doubles its
# exponents. So the first bits of an input of any length can be moved to its end, to three places each.
_DEGREE = 6777
_OTHER_EXPONENTS = (484, 100, 0)
_REACH = _DEGREE - _OTHER_EXPONENTS[0]
"""Bits that can be moved at once: more would land among themselves."""


def _table_entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = tuple(_table_entry(byte) for byte in range(256))


def crc32c(data: bytes | memoryview, start: int = 0) -> int:
    """The checksum of *data*, or of what has the checksum *start* and *data* behind it."""
    checksum = start ^ _ALL_ONES
    if 8 * len(data) > _DEGREE:
        data = _shortened(int.from_bytes(data, "little") ^ checksum, 8 * len(data))
        checksum = 0
    for byte in data:
        checksum = checksum >> 8 ^ _TABLE[(checksum ^ byte) & 0xFF]
    return checksum ^ _ALL_ONES


def masked(checksum: int) -> int:
    """The form in which files hold *checksum*: changed, lest it stand among the bytes that it is taken of.

    Format: tensorflow/core/lib/hash/crc32c.h.
    """
    return ((checksum >> 15 | checksum << 17) + _MASK_DELTA) & _ALL_ONES


def _shortened(bits: int, size: int) -> bytes:
    """Bytes with the same remainder as *bits*, of which there are *size*, the first one lowest."""
    while size > _DEGREE:
        power = ((size - 1) // _DEGREE).bit_length() - 1
        moved = min(size - (_DEGREE << power), _REACH << power)
        head = bits & (1 << moved) - 1
        bits >>= moved
        for exponent in _OTHER_EXPONENTS:
            bits ^= head << ((_DEGREE - exponent) << power) - moved
        size -= moved
    # A multiple of x added in front changes no remainder: whole bytes end where the bits end.
    padding = -size % 8
    return (bits << padding).to_bytes((size + padding) // 8, "little")
