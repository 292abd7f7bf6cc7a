"""Object headers: the list of messages that describe one group, dataset or named datatype."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from envlock.errors import DamagedFileError, UnsupportedFeatureError
from envlock.formats.hdf5.storage import CHECKSUM_SIZE, Cursor, Storage

DATASPACE = 0x01
LINK_INFO = 0x02
DATATYPE = 0x03
LINK = 0x06
EXTERNAL_FILES = 0x07
LAYOUT = 0x08
FILTERS = 0x0B
ATTRIBUTE = 0x0C
SYMBOL_TABLE = 0x11
ATTRIBUTE_INFO = 0x15
_CONTINUATION = 0x10

_SHARED = 0x02
_TIMES_STORED = 0x20
_PHASE_CHANGE_STORED = 0x10
_CREATION_ORDER_TRACKED = 0x04
_CHUNK_SIZE_WIDTH = 0x03
_IN_SHARED_MESSAGE_HEAP = 1
_WHERE = "object header"


class Message(NamedTuple):
    """One message of an object header."""

    kind: int
    is_shared: bool
    """The body is not the message, but a reference to where it is."""

    body: bytes
    address: int
    """Where the body stands in the file."""


class _Format(NamedTuple):
    """What differs between the versions of object headers."""

    kind_size: int
    trailing_size: int
    """Bytes between the flags and the body: padding in version 1, the creation order in version 2."""

    @property
    def message_header_size(self) -> int:
        return self.kind_size + 2 + 1 + self.trailing_size


_VERSION_1 = _Format(kind_size=2, trailing_size=3)


def read_object_header(storage: Storage, address: int) -> tuple[Message, ...]:
    """Every message of the object at *address*, continuation blocks included, in stored order.

    Raises:
        DamagedFileError: There is no object header, it contradicts itself, or its blocks form a circle.
        LimitExceededError: It is longer than any model needs.
    """
    start = storage.read(address, 4, where=_WHERE)
    is_signed = start == b"OHDR"
    if is_signed:
        header_format, first_block = _open_version_2(storage, address)
    elif start[0] == 1:
        header_format, first_block = _VERSION_1, _open_version_1(storage, address)
    else:
        raise storage.cursor_over(start, address=address, where=_WHERE).damaged("no object header stands here")
    messages: list[Message] = []
    blocks, visited = [first_block], {address}
    while blocks:
        for message in _read_messages(storage, *blocks.pop(), header_format):
            if message.kind == _CONTINUATION:
                blocks.append(_open_continuation(storage, message, visited, is_signed=is_signed))
            else:
                messages.append(message)
    return tuple(messages)


_Block = tuple[Cursor, int]
"""A cursor that stands on the first message of a block, and the address of that message."""


def _open_version_1(storage: Storage, address: int) -> _Block:
    storage.count(1, where=_WHERE)
    prefix = storage.cursor(address, 16, where=_WHERE)
    prefix.skip(8)  # version, padding, number of messages, reference count
    size = prefix.unsigned(4)
    return storage.cursor(address + 16, size, where=_WHERE), address + 16


def _open_version_2(storage: Storage, address: int) -> tuple[_Format, _Block]:
    prefix = storage.structure(address, 6, signature=b"OHDR", where=_WHERE)
    prefix.version(2)
    flags = prefix.unsigned(1)
    skipped = (16 if flags & _TIMES_STORED else 0) + (4 if flags & _PHASE_CHANGE_STORED else 0)
    width = 1 << (flags & _CHUNK_SIZE_WIDTH)
    start = 6 + skipped + width
    size = storage.cursor(address + 6 + skipped, width, where=_WHERE).unsigned(width)
    cursor = storage.checksummed(address, start + size + CHECKSUM_SIZE, signature=b"OHDR", where=_WHERE)
    cursor.skip(start - 4)
    header_format = _Format(kind_size=1, trailing_size=2 if flags & _CREATION_ORDER_TRACKED else 0)
    return header_format, (cursor, address + start)


def _open_continuation(storage: Storage, message: Message, visited: set[int], *, is_signed: bool) -> _Block:
    pointer = storage.cursor_over(message.body, address=message.address, where="object header continuation")
    address, size = pointer.defined_address(), pointer.length()
    if address in visited:
        raise pointer.damaged("the blocks of the object header form a circle")
    visited.add(address)
    if not is_signed:
        storage.count(1, where=pointer.where)
        return storage.cursor(address, size, where=pointer.where), address
    if size < 4 + CHECKSUM_SIZE:
        raise pointer.damaged(f"a block of {size} bytes is too short")
    return storage.checksummed(address, size, signature=b"OCHK", where=pointer.where), address + 4


def _read_messages(storage: Storage, cursor: Cursor, address: int, header_format: _Format) -> Iterator[Message]:
    start = cursor.position
    # A rest that is too small for a message is a gap.
    while cursor.remaining >= header_format.message_header_size:
        storage.count(1, where=_WHERE)
        kind = cursor.unsigned(header_format.kind_size)
        size = cursor.unsigned(2)
        flags = cursor.unsigned(1)
        cursor.skip(header_format.trailing_size)
        body_address = address + cursor.position - start
        body = cursor.take(size)
        yield Message(kind=kind, is_shared=bool(flags & _SHARED), body=body, address=body_address)


def find_message(messages: tuple[Message, ...], kind: int) -> Message | None:
    """The first message of *kind*."""
    return next((message for message in messages if message.kind == kind), None)


def require_message(messages: tuple[Message, ...], kind: int, *, where: str) -> Message:
    """The first message of *kind*.

    Raises:
        DamagedFileError: There is none.
    """
    message = find_message(messages, kind)
    if message is None:
        raise DamagedFileError(where, f"the message of type {kind} is missing")
    return message


def open_body(storage: Storage, message: Message, *, where: str) -> Cursor:
    """A cursor over the body of *message*, wherever that is stored."""
    body = storage.cursor_over(message.body, address=message.address, where=where)
    return follow_shared(storage, body, message.kind) if message.is_shared else body


def follow_shared(storage: Storage, reference: Cursor, kind: int) -> Cursor:
    """A cursor over the message of *kind* that *reference* points to: one in the header of a named datatype.

    Raises:
        DamagedFileError: It points to no such message, or to one that is a reference itself.
        UnsupportedFeatureError: The message lies in the file's heap of shared messages.
    """
    version = reference.version(1, 2, 3)
    place = reference.unsigned(1)
    if version == 1:
        reference.skip(6)
        reference.length()  # address of a local heap, no longer used
    elif place == _IN_SHARED_MESSAGE_HEAP:
        raise UnsupportedFeatureError(reference.where, "a message in the shared message heap")
    messages = read_object_header(storage, reference.defined_address())
    message = require_message(messages, kind, where=reference.where)
    if message.is_shared:
        raise reference.damaged("a shared message refers to another shared message")
    return storage.cursor_over(message.body, address=message.address, where=reference.where)
