"""Bytes by range: a reader over anything that can be sought in, and streams over what is given by range."""

from __future__ import annotations

import io
from abc import abstractmethod
from collections import OrderedDict
from typing import Any, BinaryIO

from envlock.errors import LimitExceededError, TruncatedFileError

BLOCK_SIZE = 64 * 1024
"""Bytes fetched at once: one range request where the stream is remote."""

_CACHED_BLOCKS = 32
_LARGEST_READ = 64 * 1024 * 1024


class RangeReader:
    """Random access to a seekable binary stream, in whole blocks that are kept for a while."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self.size = stream.seek(0, io.SEEK_END)
        """In bytes, of the whole stream."""
        self.requests = 0
        self.bytes_fetched = 0

    def read(self, offset: int, size: int, *, where: str) -> bytes:
        """Read exactly *size* bytes at *offset*; *where* names the structure being read in errors.

        Raises:
            TruncatedFileError: The stream ends first, or *offset* lies outside of it.
            LimitExceededError: *size* is more than any metadata needs (64 MiB).
        """
        if size > _LARGEST_READ:
            raise LimitExceededError(where, what="size in bytes", limit=_LARGEST_READ, found=size)
        if offset < 0 or size < 0 or offset + size > self.size:
            available = max(0, self.size - offset) if offset >= 0 else 0
            raise TruncatedFileError(where, offset=offset, expected=size, found=min(size, available))
        first, last = offset // BLOCK_SIZE, (offset + size - 1) // BLOCK_SIZE
        if size == 0:
            return b""
        if last - first >= _CACHED_BLOCKS:
            return self._fetch(offset, size, where=where)
        data = b"".join(self._block(number, where=where) for number in range(first, last + 1))
        begin = offset - first * BLOCK_SIZE
        return data[begin : begin + size]

    def _block(self, number: int, *, where: str) -> bytes:
        block = self._blocks.get(number)
        if block is None:
            start = number * BLOCK_SIZE
            block = self._fetch(start, min(BLOCK_SIZE, self.size - start), where=where)
            self._blocks[number] = block
            if len(self._blocks) > _CACHED_BLOCKS:
                self._blocks.popitem(last=False)
        else:
            self._blocks.move_to_end(number)
        return block

    def _fetch(self, start: int, size: int, *, where: str) -> bytes:
        self._stream.seek(start)
        data = self._stream.read(size)
        self.requests += 1
        self.bytes_fetched += len(data)
        if len(data) != size:
            raise TruncatedFileError(where, offset=start, expected=size, found=len(data))
        return data


class RangeStream(io.RawIOBase):
    """A seekable stream over bytes of known size that are had by range. It reads whole: never less than is there."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._position = 0

    @abstractmethod
    def read_range(self, start: int, size: int) -> bytes:
        """Exactly *size* bytes from *start*; both lie within the stream."""

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The position in bytes from the start, which may lie beyond the end."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to *offset* bytes from the start, the position or the end.

        Raises:
            OSError: That lies before the start.
        """
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise OSError(f"cannot seek to {origin + offset}")
        self._position = origin + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """The next *size* bytes, fewer at the end only; all that remain without a size."""
        available = max(0, self._size - self._position)
        wanted = available if size is None or size < 0 else min(size, available)
        data = self.read_range(self._position, wanted)
        self._position += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        """Fill *buffer* with the next bytes, for buffered readers; their number, smaller at the end only."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
