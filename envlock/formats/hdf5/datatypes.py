"""Datatypes and dataspaces: what the bytes of an attribute or a dataset mean, and how many values they hold."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Literal, NamedTuple

from envlock.formats.hdf5.heaps import GlobalHeap
from envlock.formats.hdf5.storage import Cursor, Storage, decode_text

Scalar = str | bytes | int | float | bool
"""Strings are decoded as UTF-8 with surrogates for other bytes; ``bytes`` stand for values of types that Python has
no counterpart of (opaque, compound, reference, …), as they are stored."""

AttributeValue = Scalar | tuple[Scalar, ...]
"""A scalar, or an array's values in row-major order; an attribute without a value is an empty tuple."""

_Decoder = Callable[[Cursor, GlobalHeap], Scalar]

_DEEPEST_TYPE = 8
_MOST_DIMENSIONS = 32
_NULL_DATASPACE = 2
_HAS_LARGEST = 0x01
_LARGEST_INTEGER = 16
_FIXED_POINT, _FLOAT, _STRING, _ENUMERATION, _VARIABLE_LENGTH, _ARRAY = 0, 1, 3, 8, 9, 10
_UNREAD = {2: "time", 4: "bitfield", 5: "opaque", 6: "compound", 7: "reference", 11: "complex"}

_NULL_TERMINATED, _SPACE_PADDED = 0, 2

_FLOAT_FORMATS = {
    # size in bytes, exponent location and size, mantissa location and size: name, format of struct
    (2, 10, 5, 0, 10): ("float16", "e"),
    (4, 23, 8, 0, 23): ("float32", "f"),
    (8, 52, 11, 0, 52): ("float64", "d"),
}


class Datatype(NamedTuple):
    """How one element is stored."""

    name: str
    """As numpy calls it, such as ``float32``; ``string`` for both kinds of strings."""

    size: int
    """Bytes of an element; of one item where the element is itself an array."""

    decode: _Decoder
    """Takes one item of exactly *size* bytes."""

    dimensions: tuple[int, ...] = ()
    """Of the element itself, where that is an array."""


class Dataspace(NamedTuple):
    """The shape of an array."""

    dimensions: tuple[int, ...] | None
    """Lengths: none for a scalar, ``None`` for a dataspace without any value."""

    largest: tuple[int | None, ...] = ()
    """Lengths that the dimensions may grow to; ``None`` where there is no limit."""


def parse_dataspace(cursor: Cursor) -> Dataspace:
    """Parse a dataspace message."""
    version = cursor.version(1, 2)
    rank = cursor.unsigned(1)
    if rank > _MOST_DIMENSIONS:
        raise cursor.damaged(f"{rank} dimensions are over the format's {_MOST_DIMENSIONS}")
    has_largest = cursor.unsigned(1) & _HAS_LARGEST
    kind = cursor.unsigned(1)  # from version 2 on; padding before
    cursor.skip(4 if version == 1 else 0)
    if version == 2 and kind == _NULL_DATASPACE:
        return Dataspace(dimensions=None)
    dimensions = tuple(cursor.length() for _ in range(rank))
    largest = tuple(cursor.length_or_none() for _ in range(rank)) if has_largest else dimensions
    return Dataspace(dimensions=dimensions, largest=largest)


def decode_value(
    cursor: Cursor, datatype: Datatype, dimensions: tuple[int, ...] | None, *, storage: Storage, heap: GlobalHeap
) -> AttributeValue:
    """Decode all values at *cursor*.

    Raises:
        DamagedFileError: They do not fit into the bytes that are there.
        LimitExceededError: There are more of them than any model needs.
    """
    if dimensions is None:
        return ()
    shape = dimensions + datatype.dimensions
    count = math.prod(shape)
    if count * datatype.size > cursor.remaining:
        problem = f"{count} values of {datatype.size} bytes do not fit into {cursor.remaining} bytes"
        raise cursor.damaged(problem)
    storage.count(count, where=cursor.where)
    if not shape:
        return datatype.decode(cursor, heap)
    return tuple(datatype.decode(cursor, heap) for _ in range(count))


def parse_datatype(cursor: Cursor, *, depth: int = 0) -> Datatype:
    """Parse a datatype message, *depth* types within the outermost one.

    Raises:
        DamagedFileError: It contradicts the format.
    """
    if depth > _DEEPEST_TYPE:
        raise cursor.damaged(f"types are nested deeper than {_DEEPEST_TYPE}")
    kind_and_version = cursor.unsigned(1)
    kind, version = kind_and_version & 0x0F, kind_and_version >> 4
    flags, size = cursor.unsigned(3), cursor.unsigned(4)
    if not 1 <= version <= 5 or size == 0:
        raise cursor.damaged(f"a datatype of version {version} and {size} bytes is impossible")
    if kind == _FIXED_POINT:
        return _parse_integer(cursor, flags, size)
    if kind == _FLOAT:
        return _parse_float(cursor, flags, size)
    if kind == _STRING:
        return Datatype(name="string", size=size, decode=_fixed_string_decoder(flags & 0x0F, size))
    if kind == _ENUMERATION:
        return _parse_enumeration(cursor, flags & 0xFFFF, version, depth)
    if kind == _VARIABLE_LENGTH and flags & 0x0F == 1:
        return Datatype(name="string", size=size, decode=_variable_string_decoder(size))
    if kind == _VARIABLE_LENGTH:
        return _unread("sequence", size)
    if kind == _ARRAY:
        return _parse_array(cursor, version, size, depth)
    if kind not in _UNREAD:
        raise cursor.damaged(f"datatype class {kind} is unknown")
    return _unread(_UNREAD[kind], size)


def _unread(name: str, size: int) -> Datatype:
    return Datatype(name=name, size=size, decode=lambda cursor, _heap: cursor.take(size))


def _parse_integer(cursor: Cursor, flags: int, size: int) -> Datatype:
    offset, precision = cursor.unsigned(2), cursor.unsigned(2)
    if size > _LARGEST_INTEGER or not 0 < precision <= 8 * size - offset:
        raise cursor.damaged(f"{precision} bits at bit {offset} of {size} bytes are no integer")
    byte_order, is_signed = _byte_order(flags), bool(flags & 0x08)
    half, mask = 1 << (precision - 1), (1 << precision) - 1

    def decode(cursor: Cursor, _heap: GlobalHeap) -> int:
        value = int.from_bytes(cursor.take(size), byte_order) >> offset & mask
        return (value ^ half) - half if is_signed else value

    return Datatype(name=f"{'int' if is_signed else 'uint'}{8 * size}", size=size, decode=decode)


def _parse_float(cursor: Cursor, flags: int, size: int) -> Datatype:
    cursor.skip(4)  # bit offset, precision
    layout = (size, *(cursor.unsigned(1) for _ in range(4)))
    cursor.skip(4)  # exponent bias
    is_vax = bool(flags & 0x40)
    if layout not in _FLOAT_FORMATS or is_vax:
        return _unread(f"float{8 * size}", size)
    name, letter = _FLOAT_FORMATS[layout]
    unpack = struct.Struct((">" if flags & 0x01 else "<") + letter).unpack

    def decode(cursor: Cursor, _heap: GlobalHeap) -> float:
        value: float = unpack(cursor.take(size))[0]
        return value

    return Datatype(name=name, size=size, decode=decode)


def _fixed_string_decoder(padding: int, size: int) -> _Decoder:
    def decode(cursor: Cursor, _heap: GlobalHeap) -> str:
        data = cursor.take(size)
        if padding == _NULL_TERMINATED:
            return decode_text(data.partition(b"\0")[0])
        return decode_text(data.rstrip(b" " if padding == _SPACE_PADDED else b"\0"))

    return decode


def _variable_string_decoder(size: int) -> _Decoder:
    def decode(cursor: Cursor, heap: GlobalHeap) -> str:
        element = cursor.part(size)
        length = element.unsigned(4)
        return decode_text(heap.read(element, length).partition(b"\0")[0])

    return decode


def _parse_enumeration(cursor: Cursor, members: int, version: int, depth: int) -> Datatype:
    """An integer type with names for its values; h5py stores booleans as one."""
    base = parse_datatype(cursor, depth=depth + 1)
    is_boolean = members == 2 and _is_boolean(cursor, base, version)
    if not is_boolean:
        return base
    return Datatype(name="bool", size=base.size, decode=lambda item, heap: bool(base.decode(item, heap)))


def _is_boolean(cursor: Cursor, base: Datatype, version: int) -> bool:
    names = [_take_member_name(cursor, version) for _ in range(2)]
    values = [cursor.take(base.size) for _ in range(2)]
    return names == [b"FALSE", b"TRUE"] and [any(value) for value in values] == [False, True]


def _take_member_name(cursor: Cursor, version: int) -> bytes:
    name = cursor.text()
    # Before version 3, names are padded to a multiple of eight bytes.
    cursor.skip(-(len(name) + 1) % 8 if version < 3 else 0)
    return name


def _parse_array(cursor: Cursor, version: int, size: int, depth: int) -> Datatype:
    rank = cursor.unsigned(1)
    if rank > _MOST_DIMENSIONS:
        raise cursor.damaged(f"{rank} dimensions are over the format's {_MOST_DIMENSIONS}")
    cursor.skip(3 if version < 3 else 0)
    dimensions = tuple(cursor.unsigned(4) for _ in range(rank))
    cursor.skip(4 * rank if version < 3 else 0)  # order of the dimensions, never used
    base = parse_datatype(cursor, depth=depth + 1)
    dimensions += base.dimensions
    if math.prod(dimensions) * base.size != size:
        raise cursor.damaged(f"an array of {dimensions} values of {base.size} bytes does not take {size} bytes")
    return Datatype(name=base.name, size=base.size, decode=base.decode, dimensions=dimensions)


def _byte_order(flags: int) -> Literal["little", "big"]:
    return "big" if flags & 0x01 else "little"
