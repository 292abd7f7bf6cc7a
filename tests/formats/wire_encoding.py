"""A small encoder of the protobuf wire format, to make messages for tests."""

from __future__ import annotations

Value = int | bytes | str


def varint(value: int) -> bytes:
    """*value* in seven bits a byte, lowest first; a negative one as 64 bits."""
    value %= 1 << 64
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def message(*fields: tuple[int, Value]) -> bytes:
    """The fields one after another: numbers as varints, everything else with its length."""
    return b"".join(_field(number, value) for number, value in fields)


def entry(key: str, value: Value) -> bytes:
    """An entry of a map."""
    return message((1, key), (2, value))


def _field(number: int, value: Value) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content
