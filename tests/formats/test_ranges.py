from __future__ import annotations

import io

import pytest

from envlock.formats.ranges import RangeStream


class Letters(RangeStream):
    """The alphabet, by range."""

    def __init__(self) -> None:
        super().__init__(26)

    def read_range(self, start: int, size: int) -> bytes:
        return bytes(range(97, 123))[start : start + size]


def test_a_stream_reads_from_where_it_was_put() -> None:
    stream = Letters()
    places = [stream.seek(23), stream.seek(-1, io.SEEK_CUR), stream.seek(-2, io.SEEK_END)]

    assert places == [23, 22, 24]
    assert [stream.read(1), stream.tell(), stream.read(), stream.read(5)] == [b"y", 25, b"z", b""]


def test_beyond_its_end_a_stream_has_nothing() -> None:
    stream = Letters()
    stream.seek(30)

    assert (stream.read(4), stream.tell()) == (b"", 30)


@pytest.mark.parametrize(("offset", "whence"), [(-1, io.SEEK_SET), (-6, io.SEEK_CUR), (-27, io.SEEK_END)])
def test_a_place_before_the_start_is_refused(offset: int, whence: int) -> None:
    stream = Letters()
    stream.seek(5)

    with pytest.raises(OSError, match="cannot seek to -1"):
        stream.seek(offset, whence)

    assert stream.tell() == 5


def test_a_stream_can_be_buffered() -> None:
    buffered = io.BufferedReader(Letters(), 4)

    assert [buffered.read(2), buffered.peek()[:2], buffered.read()] == [b"ab", b"cd", bytes(range(99, 123))]
