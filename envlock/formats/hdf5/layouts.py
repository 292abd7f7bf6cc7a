"""Where a dataset keeps its values: in its header, in one piece, in chunks, or in other datasets."""

from __future__ import annotations

from typing import Literal, NamedTuple

from envlock.formats.hdf5.storage import Cursor

ChunkIndex = Literal[
    "version 1 B-tree", "single chunk", "implicit", "fixed array", "extensible array", "version 2 B-tree"
]

_COMPACT, _CONTIGUOUS, _CHUNKED, _VIRTUAL = 0, 1, 2, 3
_FILTERED_SINGLE_CHUNK = 0x02
_SINGLE_CHUNK = 1
_CHUNK_INDEXES: dict[int, tuple[ChunkIndex, int]] = {
    # number in the format: name, bytes of its parameters, which are about growing it
    1: ("single chunk", 0),
    2: ("implicit", 0),
    3: ("fixed array", 1),
    4: ("extensible array", 5),
    5: ("version 2 B-tree", 6),
}


class Compact(NamedTuple):
    """The values themselves."""

    data: bytes


class Contiguous(NamedTuple):
    """All values in one place."""

    address: int | None
    """``None`` where nothing was written yet."""


class Chunked(NamedTuple):
    """Blocks of one shape, each stored and filtered on its own."""

    chunk_shape: tuple[int, ...]
    chunk_index: ChunkIndex
    address: int | None
    """Of the index; of the chunks themselves for ``single chunk`` and ``implicit``."""

    filtered_size: int | None = None
    """Bytes that a filtered single chunk takes in the file; ``None`` for the others."""

    skipped_filters: int = 0
    """For a filtered single chunk: bit *n* is set where filter *n* was not applied."""


class Virtual(NamedTuple):
    """Parts of other datasets, which may be in other files."""


Layout = Compact | Contiguous | Chunked | Virtual


def parse_layout(cursor: Cursor) -> Layout:
    """Parse a data layout message.

    Raises:
        DamagedFileError: It contradicts the format.
    """
    version = cursor.version(1, 2, 3, 4, 5)
    if version < 3:
        return _parse_old(cursor)
    kind = cursor.unsigned(1)
    if kind == _COMPACT:
        return Compact(data=cursor.take(cursor.unsigned(2)))
    if kind == _CONTIGUOUS:
        return Contiguous(address=cursor.address())
    if kind == _CHUNKED:
        return _parse_chunked(cursor) if version == 3 else _parse_indexed(cursor)
    if kind == _VIRTUAL:
        return Virtual()
    raise cursor.damaged(f"layout class {kind} is unknown")


def _parse_old(cursor: Cursor) -> Layout:
    """Versions 1 and 2."""
    rank, kind = cursor.unsigned(1), cursor.unsigned(1)
    cursor.skip(5)
    address = None if kind == _COMPACT else cursor.address()
    dimensions = tuple(cursor.unsigned(4) for _ in range(rank))
    if kind == _COMPACT:
        return Compact(data=cursor.take(cursor.unsigned(4)))
    if kind == _CONTIGUOUS:
        return Contiguous(address=address)
    if kind == _CHUNKED:
        # The last dimension is the size of an element.
        return Chunked(chunk_shape=dimensions[:-1], chunk_index="version 1 B-tree", address=address)
    raise cursor.damaged(f"layout class {kind} is unknown")


def _parse_chunked(cursor: Cursor) -> Chunked:
    """Version 3."""
    rank = cursor.unsigned(1)
    address = cursor.address()
    dimensions = tuple(cursor.unsigned(4) for _ in range(rank))
    return Chunked(chunk_shape=dimensions[:-1], chunk_index="version 1 B-tree", address=address)


def _parse_indexed(cursor: Cursor) -> Chunked:
    """Version 4 and 5."""
    flags, rank, width = cursor.unsigned(1), cursor.unsigned(1), cursor.unsigned(1)
    dimensions = tuple(cursor.unsigned(width) for _ in range(rank))
    number = cursor.unsigned(1)
    if number not in _CHUNK_INDEXES:
        raise cursor.damaged(f"chunk index {number} is unknown")
    index, parameters_size = _CHUNK_INDEXES[number]
    cursor.skip(parameters_size)
    filtered_size, skipped_filters = None, 0
    if number == _SINGLE_CHUNK and flags & _FILTERED_SINGLE_CHUNK:
        filtered_size, skipped_filters = cursor.length(), cursor.unsigned(4)
    return Chunked(
        chunk_shape=dimensions[:-1],
        chunk_index=index,
        address=cursor.address(),
        filtered_size=filtered_size,
        skipped_filters=skipped_filters,
    )
