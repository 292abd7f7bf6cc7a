"""Zip archives: members as they were written, or one error that says what is wrong with them."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.errors import (
    ArtifactError,
    DamagedFileError,
    LimitExceededError,
    TruncatedFileError,
    UnsupportedFeatureError,
)
from envlock.formats.archive import Archive, Member
from envlock.formats.ranges import RangeReader
from envlock.formats.zip_signature import find_zip_signature

LIMIT = 1 << 20
LOCAL_HEADER, DIRECTORY_ENTRY, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def pack(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members:
            # A fixed date keeps the bytes the same from run to run.
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return stream.getvalue()


KERAS = pack(("metadata.json", b'{"keras_version": "3.6.0"}'), ("config.json", b"{}"), ("model.weights.h5", b"weights"))
PACKED = pack(("config.json", b"layers " * 1000), method=zipfile.ZIP_DEFLATED)


def open_bytes(content: bytes) -> Archive:
    return Archive(RangeReader(BytesIO(content)))


def change(content: bytes, record: bytes, offset: int, value: bytes) -> bytes:
    """*content* with *value* at *offset* of the first record with the signature *record*."""
    place = content.index(record) + offset
    return content[:place] + value + content[place + len(value) :]


def read_everything(content: bytes) -> None:
    archive = open_bytes(content)
    for member in archive.members:
        attempt(lambda member=member: archive.read_member(member.name, limit=LIMIT))
        attempt(lambda member=member: archive.open_member(member.name, limit=LIMIT).read(0, 1, where="member"))


def attempt(action: Callable[[], Any]) -> None:
    try:
        action()
    except ArtifactError:
        return


# --- well-formed archives ------------------------------------------------------------------------------------


def test_members_are_listed_in_the_order_of_the_directory() -> None:
    assert open_bytes(KERAS).members == (
        Member(name="metadata.json", size=26, compressed_size=26),
        Member(name="config.json", size=2, compressed_size=2),
        Member(name="model.weights.h5", size=7, compressed_size=7),
    )


@pytest.mark.parametrize("content", [KERAS, b"bytes before" + KERAS])
def test_a_member_is_read_whole(content: bytes) -> None:
    archive = open_bytes(content)

    assert "metadata.json" in archive
    assert archive.read_member("metadata.json", limit=LIMIT) == b'{"keras_version": "3.6.0"}'


@pytest.mark.parametrize(("content", "name"), [(KERAS, "model.weights.h5"), (PACKED, "config.json")])
def test_a_member_is_opened_for_random_access(content: bytes, name: str) -> None:
    archive = open_bytes(content)
    whole = archive.read_member(name, limit=LIMIT)

    reader = archive.open_member(name, limit=LIMIT)

    assert reader.size == len(whole)
    assert reader.read(3, 4, where="member") == whole[3:7]


def test_a_stored_member_may_be_larger_than_the_limit() -> None:
    assert open_bytes(KERAS).open_member("model.weights.h5", limit=1).size == 7


def test_a_small_archive_takes_one_request() -> None:
    reader = RangeReader(BytesIO(KERAS))
    archive = Archive(reader)

    archive.read_member("metadata.json", limit=LIMIT)
    archive.read_member("config.json", limit=LIMIT)

    assert reader.requests == 1


@pytest.mark.parametrize(
    ("name", "escapes"),
    [
        ("config.json", False),
        ("assets/vocabulary..txt", False),
        ("../config.json", True),
        ("assets/../../config.json", True),
        ("/etc/passwd", True),
        ("\\\\server\\share", True),
        ("..\\config.json", True),
        ("C:\\config.json", True),
    ],
)
def test_a_name_that_leaves_the_folder_is_told(name: str, escapes: bool) -> None:
    (member,) = open_bytes(pack((name, b""))).members

    assert (member.name, member.escapes) == (name, escapes)


@pytest.mark.parametrize(
    ("head", "is_zip"), [(KERAS[:4], True), (pack(), True), (b"\x89HDF\r\n\x1a\n", False), (b"", False)]
)
def test_an_archive_is_recognised_by_its_first_bytes(head: bytes, is_zip: bool) -> None:
    assert find_zip_signature(head) is is_zip


# --- damaged and hostile archives ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "error", "text"),
    [
        (
            KERAS[:-30],
            TruncatedFileError,
            f"end of the zip directory: expected 22 bytes at offset {len(KERAS) - 30}, found 0",
        ),
        (b"", DamagedFileError, "zip archive: found neither its start nor its end"),
        (b"<!DOCTYPE html>", DamagedFileError, "zip archive: found neither its start nor its end"),
        (
            change(KERAS, END, 12, struct.pack("<I", 4)),
            DamagedFileError,
            "zip archive: the archive cannot be read: 'Truncated central directory'",
        ),
        (
            # An archive of which the directory alone is left, far larger than any model's.
            bytes(3 << 20) + END + struct.pack("<4xHHIIH", 9, 9, 3 << 20, 0, 0),
            LimitExceededError,
            "zip archive: size of the directory in bytes 3145728 is over the limit of 2097152",
        ),
        (
            pack(("config.json", b"1"), ("Config.json", b"2")).replace(b"Config", b"config"),
            DamagedFileError,
            "zip archive: member 'config.json' is there twice",
        ),
    ],
    ids=["cut", "empty", "a web page", "a short directory", "a huge directory", "a name twice"],
)
def test_an_archive_without_a_sound_directory_is_refused(content: bytes, error: type[ArtifactError], text: str) -> None:
    with pytest.raises(error) as caught:
        open_bytes(content)

    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("content", "error", "text"),
    [
        (pack(), DamagedFileError, "zip archive: member 'config.json' is missing"),
        (
            change(PACKED, DIRECTORY_ENTRY, 8, b"\1"),
            UnsupportedFeatureError,
            "zip member 'config.json': encryption is not supported",
        ),
        (
            change(PACKED, DIRECTORY_ENTRY, 10, struct.pack("<H", zipfile.ZIP_LZMA)),
            UnsupportedFeatureError,
            "zip member 'config.json': compression method 14 is not supported",
        ),
        (
            change(PACKED, DIRECTORY_ENTRY, 42, struct.pack("<I", 1 << 30)),
            DamagedFileError,
            "zip member 'config.json' at offset 1073741824: it lies outside of the archive",
        ),
        (
            pack(("config.json", bytes(LIMIT + 1)), method=zipfile.ZIP_DEFLATED),
            LimitExceededError,
            "zip member 'config.json': size in bytes 1048577 is over the limit of 1048576",
        ),
        (
            change(PACKED, DIRECTORY_ENTRY, 16, b"\0\0\0\0"),
            DamagedFileError,
            "zip member 'config.json': the archive cannot be read: \"Bad CRC-32 for file 'config.json'\"",
        ),
        (
            change(PACKED, DIRECTORY_ENTRY, 24, struct.pack("<I", 9000)),
            DamagedFileError,
            "zip member 'config.json': expected 9000 bytes, found 7000",
        ),
        (
            change(PACKED, LOCAL_HEADER, 41, b"\xff\xff"),
            DamagedFileError,
            "zip member 'config.json': the archive cannot be read: "
            "'Error -3 while decompressing data: invalid block type'",
        ),
    ],
    ids=["missing", "encrypted", "LZMA", "outside", "too large", "wrong CRC", "shorter than declared", "not deflate"],
)
def test_a_member_that_cannot_be_read_is_named(content: bytes, error: type[ArtifactError], text: str) -> None:
    archive = open_bytes(content)

    with pytest.raises(error) as caught:
        archive.read_member("config.json", limit=LIMIT)

    assert str(caught.value) == text


def test_a_member_that_unpacks_to_more_than_it_declares_ends_where_it_declares() -> None:
    bomb = pack(("config.json", bytes(64 << 20)), method=zipfile.ZIP_DEFLATED)
    modest = change(bomb, DIRECTORY_ENTRY, 24, struct.pack("<I", 100))

    with pytest.raises(DamagedFileError) as caught:
        open_bytes(modest).read_member("config.json", limit=LIMIT)

    assert str(caught.value) == (
        "zip member 'config.json': the archive cannot be read: \"Bad CRC-32 for file 'config.json'\""
    )


@pytest.mark.parametrize("content", [KERAS, PACKED], ids=["stored", "deflated"])
def test_an_archive_cut_at_any_byte_gives_an_artifact_error(content: bytes) -> None:
    for end in range(len(content)):
        with pytest.raises(ArtifactError):
            open_bytes(content[:end])


@pytest.mark.parametrize("content", [KERAS, PACKED], ids=["stored", "deflated"])
@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_a_changed_byte_gives_members_or_an_artifact_error(content: bytes, mask: int) -> None:
    for place in range(len(content)):
        changed = content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :]
        attempt(lambda changed=changed: read_everything(changed))


@given(data=st.data())
def test_several_changes_give_members_or_an_artifact_error(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([KERAS, PACKED])))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        replacement = data.draw(st.binary(min_size=1, max_size=9))
        content[place : place + len(replacement)] = replacement

    attempt(lambda: read_everything(bytes(content)))
