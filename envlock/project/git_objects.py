"""The objects of a git repository: from the name of one to its content, loose or in a pack. Nothing is obeyed.

The formats are those that git documents as gitrepository-layout and gitformat-pack, with SHA-1 names.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envlock.artifacts.source import LocalSource
from envlock.errors import DamagedFileError, LimitExceededError, MissingArtifactError
from envlock.formats.ranges import RangeReader

_LARGEST_OBJECT = 1024 * 1024
_LARGEST_TEXT = 16 * 1024 * 1024
_MOST_PACKS = 1000
_MOST_DELTAS = 60
"""git makes chains of 50 at most."""

_INDEX_HEAD = b"\xfftOc\x00\x00\x00\x02"
_NAMES = len(_INDEX_HEAD) + 256 * 4
"""Where the names begin in an index, behind the table that says how many begin with which byte at most."""

_NAME_SIZE = 20
_OFFSET_DELTA, _NAMED_DELTA = 6, 7
"""Types of objects in a pack that hold the difference to another."""


class Repository:
    """The folder ``.git`` of a clone. Files in it are read where no link leads to them."""

    def __init__(self, folder: Path) -> None:
        """Look at a folder that may be a repository.

        Raises:
            ArtifactError: There is none.
        """
        self._folder = folder
        self._source = LocalSource(folder)

    def read_text(self, name: str) -> str:
        """A file of at most 16 MiB, without white space around it; empty where there is none."""
        try:
            with self._opened(name) as reader:
                return reader.read(0, min(reader.size, _LARGEST_TEXT), where=name).decode("utf-8", "replace").strip()
        except MissingArtifactError:
            return ""

    def read_object(self, name: str) -> bytes | None:
        """The content of an object of at most 1 MiB by its name of 40 digits; ``None`` where it is not there.

        Raises:
            ArtifactError: It is damaged, or larger.
        """
        try:
            with self._opened(f"objects/{name[:2]}/{name[2:]}") as reader:
                unpacked = _unpack(reader, 0)
        except MissingArtifactError:
            return self._read_packed(bytes.fromhex(name), deltas=0)
        # "commit 203\0" stands before the content.
        return unpacked.partition(b"\0")[2]

    @contextmanager
    def _opened(self, name: str) -> Iterator[RangeReader]:
        path = self._folder / name
        if any(part.is_symlink() for part in (path, *path.parents[: name.count("/") + 1])):
            raise MissingArtifactError(name, reason="is reached by a link")
        with self._source.open(name) as stream:
            yield RangeReader(stream)

    def _read_packed(self, name: bytes, *, deltas: int) -> bytes | None:
        indices = [entry for entry in self._source.names("objects/pack") if entry.endswith(".idx")]
        for index in indices[:_MOST_PACKS]:
            with self._opened(f"objects/pack/{index}") as reader:
                offset = _find(name, reader, where=index)
            if offset is not None:
                with self._opened(f"objects/pack/{index.removesuffix('.idx')}.pack") as reader:
                    return self._read_entry(reader, offset, deltas=deltas)
        return None

    def _read_entry(self, reader: RangeReader, offset: int, *, deltas: int) -> bytes | None:
        """The content of the entry at *offset* of a pack, which may be the last of many differences."""
        if deltas > _MOST_DELTAS:
            raise LimitExceededError("git pack", what="number of deltas", limit=_MOST_DELTAS, found=deltas)
        kind, position = _entry_head(reader, offset)
        base: bytes | None
        if kind == _OFFSET_DELTA:
            distance, position = _distance(reader, position)
            base = self._read_entry(reader, offset - distance, deltas=deltas + 1) if distance else None
        elif kind == _NAMED_DELTA:
            name = reader.read(position, _NAME_SIZE, where="git pack")
            position += _NAME_SIZE
            base = self._read_packed(name, deltas=deltas + 1)
        else:
            return _unpack(reader, position)
        return None if base is None else _apply(_unpack(reader, position), base)


def _find(name: bytes, reader: RangeReader, *, where: str) -> int | None:
    """Where the pack of an index has an object; ``None`` where it has not."""
    if reader.read(0, len(_INDEX_HEAD), where=where) != _INDEX_HEAD:
        return None
    first = _number(reader, _NAMES - 1024 + 4 * (name[0] - 1), 4, where) if name[0] else 0
    last = _number(reader, _NAMES - 1024 + 4 * name[0], 4, where)
    count = _number(reader, _NAMES - 4, 4, where)
    while first < last:
        middle = (first + last) // 2
        found = reader.read(_NAMES + _NAME_SIZE * middle, _NAME_SIZE, where=where)
        if found == name:
            # Names, checksums of 4 bytes, offsets of 4 bytes, offsets of 8 bytes for what lies beyond 2 GiB.
            offsets = _NAMES + (_NAME_SIZE + 4) * count
            offset = _number(reader, offsets + 4 * middle, 4, where)
            is_far, position = offset >> 31, offset & 0x7FFFFFFF
            return _number(reader, offsets + 4 * count + 8 * position, 8, where) if is_far else position
        first, last = (middle + 1, last) if found < name else (first, middle)
    return None


def _number(reader: RangeReader, offset: int, size: int, where: str) -> int:
    return int.from_bytes(reader.read(offset, size, where=where), "big")


def _entry_head(reader: RangeReader, offset: int) -> tuple[int, int]:
    """Type of an entry, and where its head ends: three bits of the first byte, then a size in the style of varints."""
    first = byte = _number(reader, offset, 1, "git pack")
    while byte & 0x80:
        offset += 1
        byte = _number(reader, offset, 1, "git pack")
    return first >> 4 & 7, offset + 1


def _distance(reader: RangeReader, position: int) -> tuple[int, int]:
    """How far before its entry the base of a delta begins, and where that number ends."""
    byte = _number(reader, position, 1, "git pack")
    distance = byte & 0x7F
    while byte & 0x80:
        position += 1
        byte = _number(reader, position, 1, "git pack")
        distance = distance + 1 << 7 | byte & 0x7F
    return distance, position + 1


def _unpack(reader: RangeReader, position: int) -> bytes:
    packed = reader.read(position, min(_LARGEST_OBJECT, reader.size - position), where="git object")
    try:
        unpacked = zlib.decompressobj().decompress(packed, _LARGEST_OBJECT + 1)
    except zlib.error as error:
        raise DamagedFileError("git object", str(error), offset=position) from error
    if len(unpacked) > _LARGEST_OBJECT:
        raise LimitExceededError("git object", what="size in bytes", limit=_LARGEST_OBJECT, found=len(unpacked))
    return unpacked


def _apply(delta: bytes, base: bytes) -> bytes:
    """What a delta makes of *base*: pieces that are copied from it, and pieces of its own."""
    position = _end_of_varint(delta, _end_of_varint(delta, 0))
    pieces = bytearray()
    while position < len(delta) and len(pieces) <= _LARGEST_OBJECT:
        instruction, position = delta[position], position + 1
        if not instruction & 0x80:
            pieces += delta[position : position + instruction]
            position += instruction
            continue
        # Seven bits say which bytes of offset (four) and size (three) follow; the others are zero.
        numbers = bytearray(7)
        for bit in range(7):
            if instruction >> bit & 1:
                numbers[bit] = int.from_bytes(delta[position : position + 1], "little")
                position += 1
        offset, size = int.from_bytes(numbers[:4], "little"), int.from_bytes(numbers[4:], "little")
        pieces += base[offset : offset + (size or 0x10000)]
    return bytes(pieces)


def _end_of_varint(data: bytes, position: int) -> int:
    while position < len(data) and data[position] & 0x80:
        position += 1
    return position + 1
