"""The protobuf wire format, from a range reader or bytes to fields: where each payload starts and ends.

Payloads are not read until somebody asks for them, so a graph of gigabytes is walked by reading the few bytes
between its tensors. Format: protobuf.dev, "Encoding". Groups (wire types 3 and 4) are refused: proto3, which all
messages of TensorFlow use, has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from envlock.errors import DamagedFileError, LimitExceededError, TruncatedFileError
from envlock.formats.ranges import BLOCK_SIZE, RangeReader

Span = tuple[int, int]
"""Offsets of the first byte and of the byte after the last, from the start of the file."""

VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5

_FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 10
_LONGEST_FIELD_HEAD = 2 * _LONGEST_VARINT  # tag and length, or tag and value
_MOST_FIELDS = 2_000_000  # a graph of 100,000 nodes has as many
_MOST_REPEATS = 100_000
_LARGEST_TEXT = 64 * 1024
_ENTRY_KEY = 1
_KEY_TAG = _ENTRY_KEY << 3 | LENGTH_DELIMITED
_SHORT_KEY_HEAD = 2  # the tag, and a length of one byte
_LONGEST_SHORT_KEY = 0x7F
_LARGEST_FIELD_NUMBER = (1 << 29) - 1


class WireReader:
    """The messages of one file.

    Nothing in the bytes says what a payload is: a message, a string or packed numbers. The caller knows, and hands
    the span of a message to :meth:`fields` to get at what it holds.
    """

    def __init__(self, source: RangeReader | bytes | memoryview, *, where: str) -> None:
        """Read from *source*; *where* names the file in errors, whose offsets count from its start."""
        self._reader = source if isinstance(source, RangeReader) else RangeReader(BytesIO(source))
        self.where = where
        self._page, self._page_start, self._page_end = b"", 0, 0
        self._fields_left = _MOST_FIELDS

    @property
    def root(self) -> Span:
        """The span of the outermost message, which is the whole file."""
        return 0, self._reader.size

    def fields(self, message: Span) -> Iterator[tuple[int, int, Span]]:
        """Number, wire type and payload of each field of *message*, in stored order.

        The payload of a varint is the varint itself, for :meth:`varint`.

        Raises:
            TruncatedFileError: A field announces more bytes than the file has.
            DamagedFileError: A field leaves its message, or its tag is none.
            LimitExceededError: More fields were seen in this file than any model needs.
        """
        position, end = message
        page, page_start, last_index = b"", position, -1
        count = 0
        while position < end:
            index = position - page_start
            if index > last_index:
                page, page_start = self._page_at(position)
                index = position - page_start
                last_index = len(page) - _LONGEST_FIELD_HEAD
                self._count_fields(count)
                count = 0
            count += 1
            tag = page[index]
            index += 1
            if tag >= 0x80:
                tag, index = read_varint(page, index - 1, where=self.where, origin=page_start)
            wire_type = tag & 7
            if wire_type == LENGTH_DELIMITED:
                length = page[index]
                index += 1
                if length >= 0x80:
                    length, index = read_varint(page, index - 1, where=self.where, origin=page_start)
                start = page_start + index
                stop = start + length
            elif wire_type == VARINT:
                start = page_start + index
                if page[index] < 0x80:
                    stop = start + 1
                else:
                    stop = page_start + read_varint(page, index, where=self.where, origin=page_start)[1]
            elif wire_type in _FIXED_SIZES:
                start = page_start + index
                stop = start + _FIXED_SIZES[wire_type]
            else:
                raise DamagedFileError(self.where, f"no field has wire type {wire_type}", offset=position)
            if stop > end:
                raise self._overrun(position, start, stop, end)
            if tag < 8 or tag >> 3 > _LARGEST_FIELD_NUMBER:
                raise DamagedFileError(self.where, f"{tag >> 3} is not a field number", offset=position)
            position = stop
            yield tag >> 3, wire_type, (start, stop)
        self._count_fields(count)

    def payloads(self, message: Span, number: int) -> Iterator[Span]:
        """The payloads of the length-delimited fields *number*: messages, strings or bytes.

        Raises:
            LimitExceededError: There are over 100,000 of them.
        """
        count = 0
        for found, wire_type, payload in self.fields(message):
            if found == number and wire_type == LENGTH_DELIMITED:
                count += 1
                if count > _MOST_REPEATS:
                    raise LimitExceededError(
                        f"{self.where} at offset {message[0]}",
                        what=f"number of fields {number}",
                        limit=_MOST_REPEATS,
                        found=count,
                    )
                yield payload

    def integer(self, message: Span, number: int) -> int | None:
        """The value of the varint field *number*, read as unsigned; of several, the last one counts."""
        last = None
        for found, wire_type, payload in self.fields(message):
            if found == number and wire_type == VARINT:
                last = payload
        return None if last is None else self.varint(last)

    def string(self, message: Span, number: int, *, limit: int = _LARGEST_TEXT) -> str | None:
        """The value of the string field *number*, of up to *limit* bytes; of several, the last one counts."""
        last = None
        for last in self.payloads(message, number):  # noqa: B007
            pass
        return None if last is None else self.text(last, limit=limit)

    def map_key(self, entry: Span, *, limit: int = _LARGEST_TEXT) -> bytes:
        """The key, of up to *limit* bytes, of a map entry whose keys are strings; empty where it has none."""
        start, end = entry
        if self._page_start <= start and end <= self._page_end and end - start >= _SHORT_KEY_HEAD:
            index = start - self._page_start
            tag, length = self._page[index], self._page[index + 1]
            # Encoders write the key first. Graphs hold millions of entries: this is twice as fast as fields().
            if tag == _KEY_TAG and length <= min(limit, _LONGEST_SHORT_KEY, end - start - _SHORT_KEY_HEAD):
                index += _SHORT_KEY_HEAD
                return self._page[index : index + length]
        for number, wire_type, payload in self.fields(entry):
            if number == _ENTRY_KEY and wire_type == LENGTH_DELIMITED:
                return self.content(payload, limit=limit)
        return b""

    def varint(self, payload: Span) -> int:
        """The value of a varint, as an unsigned number of 64 bits."""
        data = self.content(payload, limit=_LONGEST_VARINT)
        return read_varint(data, 0, where=self.where, origin=payload[0])[0]

    def signed(self, payload: Span) -> int:
        """The value of a varint that the schema calls ``int32`` or ``int64``."""
        value = self.varint(payload)
        return value - (1 << 64) if value >> 63 else value

    def text(self, payload: Span, *, limit: int = _LARGEST_TEXT) -> str:
        """The value of a ``string`` field of up to *limit* bytes.

        Raises:
            DamagedFileError: It is no UTF-8, which every ``string`` must be.
        """
        data = self.content(payload, limit=limit)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise DamagedFileError(self.where, "a string is not valid UTF-8", offset=payload[0] + error.start) from None

    def content(self, payload: Span, *, limit: int = _LARGEST_TEXT) -> bytes:
        """The bytes of a payload of up to *limit* bytes."""
        start, end = payload
        if end - start > limit:
            raise LimitExceededError(
                f"{self.where} at offset {start}", what="size in bytes", limit=limit, found=end - start
            )
        if self._page_start <= start and end <= min(self._page_end, self._reader.size):
            return self._page[start - self._page_start : end - self._page_start]
        return self._reader.read(start, end - start, where=self.where)

    def _page_at(self, start: int) -> tuple[bytes, int]:
        """Bytes that hold the head of a field at *start* whole, and the offset of their first one."""
        size = self._reader.size
        if not (self._page_start <= start and start + _LONGEST_FIELD_HEAD <= self._page_end):
            wanted = BLOCK_SIZE - start % BLOCK_SIZE
            if wanted < _LONGEST_FIELD_HEAD:
                wanted += BLOCK_SIZE
            page = self._reader.read(start, min(wanted, size - start), where=self.where)
            # Zeros behind the end of the file end any varint there; the check of the field's end finds it out.
            padding = bytes(_LONGEST_FIELD_HEAD) if start + len(page) == size else b""
            self._page, self._page_start, self._page_end = page + padding, start, start + len(page) + len(padding)
        return self._page, self._page_start

    def _overrun(self, field: int, start: int, stop: int, end: int) -> DamagedFileError | TruncatedFileError:
        size = self._reader.size
        if stop > size:
            found = max(0, size - start)
            return TruncatedFileError(self.where, offset=start, expected=stop - start, found=found)
        return DamagedFileError(
            self.where, f"a field ends at offset {stop}, after its message, which ends at {end}", offset=field
        )

    def _count_fields(self, count: int) -> None:
        self._fields_left -= count
        if self._fields_left < 0:
            raise LimitExceededError(
                self.where, what="number of fields", limit=_MOST_FIELDS, found=_MOST_FIELDS - self._fields_left
            )


def read_varint(data: bytes, index: int, *, where: str, origin: int) -> tuple[int, int]:
    """The varint at *index* of *data*, and the index behind it.

    *origin* is the offset of the first byte of *data* in the file that *where* names.

    Raises:
        DamagedFileError: It is longer than 64 bits, or *data* ends within it.
    """
    value = 0
    for length, byte in enumerate(data[index : index + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * length
        if byte < 0x80 and not value >> 64:
            return value, index + length + 1
    raise DamagedFileError(where, "a varint is cut short or longer than 64 bits", offset=origin + index)
