"""Damage to a file, as accidents and attackers do it: every mutation follows from a random generator alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_LARGEST = 256 * 1024
_MOST_STEPS = 4
_LONGEST_RUN = 64
_WIDTHS = (1, 2, 4, 8)


def mutate(seeds: Sequence[bytes], generator: random.Random) -> bytes:
    """One of *seeds*, changed in one to four steps."""
    data = bytearray(generator.choice(seeds))
    for _ in range(generator.randint(1, _MOST_STEPS)):
        step = generator.choice(_STEPS)
        data = step(data, generator) if data else bytearray(generator.randbytes(generator.randint(0, _LONGEST_RUN)))
    if generator.random() < 0.05:
        data = _splice(data, generator.choice(seeds), generator)
    return bytes(data[:_LARGEST])


def _cut(data: bytearray, generator: random.Random) -> bytearray:
    return data[: generator.randrange(len(data))]


def _delete(data: bytearray, generator: random.Random) -> bytearray:
    start, end = _range(data, generator)
    del data[start:end]
    return data


def _flip_bits(data: bytearray, generator: random.Random) -> bytearray:
    for _ in range(generator.randint(1, 8)):
        data[_place(data, generator)] ^= 1 << generator.randrange(8)
    return data


def _overwrite(data: bytearray, generator: random.Random) -> bytearray:
    start, end = _range(data, generator)
    filler = generator.choice((b"\0", b"\xff", None))
    data[start:end] = generator.randbytes(end - start) if filler is None else filler * (end - start)
    return data


def _insert(data: bytearray, generator: random.Random) -> bytearray:
    place = _place(data, generator)
    data[place:place] = generator.randbytes(generator.randint(1, _LONGEST_RUN))
    return data


def _repeat(data: bytearray, generator: random.Random) -> bytearray:
    """Write a run many times over: counts and depths grow past what a limit allows."""
    start, end = _range(data, generator)
    times = generator.choice((1, 2, 10, 100, 1000))
    data[end:end] = data[start:end] * times
    return data


def _set_number(data: bytearray, generator: random.Random) -> bytearray:
    """Write a number where numbers are trusted: zero, the largest, one too many, the size of the file."""
    width = generator.choice(_WIDTHS)
    top = 1 << 8 * width
    near = len(data) + generator.randint(-16, 16)
    value = generator.choice((0, 1, 2, top - 1, top - 2, top // 2, top // 2 - 1, near, near // 2, 1 << 16, 1 << 20))
    place = _place(data, generator)
    data[place : place + width] = (value % top).to_bytes(width, generator.choice(("little", "big")))
    return data


def _change_number(data: bytearray, generator: random.Random) -> bytearray:
    """Add to a number that is there: a length that is slightly wrong passes more checks than a wild one."""
    width = generator.choice(_WIDTHS)
    place = _place(data, generator)
    value = int.from_bytes(data[place : place + width], "little") + generator.randint(-40, 40)
    data[place : place + width] = (value % (1 << 8 * width)).to_bytes(width, "little")
    return data


def _set_varint(data: bytearray, generator: random.Random) -> bytearray:
    """Write a length as protobuf encodes it, up to and past 64 bits."""
    place = _place(data, generator)
    varint = b"\xff" * generator.randint(1, 10) + bytes([generator.choice((0, 1, 0x7F))])
    data[place : place + generator.choice((1, len(varint)))] = varint
    return data


def _copy_number(data: bytearray, generator: random.Random) -> bytearray:
    """Copy a word over another: addresses come to point at structures of another kind, or in circles."""
    width = generator.choice((4, 8))
    source, place = (generator.randrange(0, len(data), width) for _ in range(2))
    data[place : place + width] = data[source : source + width]
    return data


def _point_at(data: bytearray, generator: random.Random) -> bytearray:
    """Overwrite a word that looks like an offset with another offset within the file."""
    place = generator.randrange(0, len(data), 8)
    for candidate in range(place, min(place + 512, len(data) - 8), 8):
        if 0 < int.from_bytes(data[candidate : candidate + 8], "little") < len(data):
            data[candidate : candidate + 8] = (generator.randrange(len(data)) & ~7).to_bytes(8, "little")
            break
    return data


def _splice(data: bytearray, other: bytes, generator: random.Random) -> bytearray:
    return data[: generator.randrange(len(data) + 1)] + other[generator.randrange(len(other) + 1) :]


_STEPS: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    _cut,
    _delete,
    _flip_bits,
    _flip_bits,
    _overwrite,
    _insert,
    _repeat,
    _set_number,
    _set_number,
    _change_number,
    _change_number,
    _set_varint,
    _copy_number,
    _point_at,
)


def _place(data: bytearray, generator: random.Random) -> int:
    """A place in *data*: half of them in the first and the last KiB, where headers and directories stand."""
    if len(data) <= 2048 or generator.random() < 0.5:
        return generator.randrange(len(data))
    return generator.randrange(-1024, 1024) % len(data)


def _range(data: bytearray, generator: random.Random) -> tuple[int, int]:
    start = _place(data, generator)
    return start, min(len(data), start + generator.randint(1, generator.choice((4, _LONGEST_RUN, 4096))))
