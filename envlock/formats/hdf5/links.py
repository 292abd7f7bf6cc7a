"""The links of a group: names of its members, and what they lead to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from envlock.formats.hdf5.heaps import LocalHeap, open_local_heap
from envlock.formats.hdf5.object_header import LINK, LINK_INFO, SYMBOL_TABLE, Message, find_message, open_body
from envlock.formats.hdf5.storage import Cursor, Storage, decode_text
from envlock.formats.hdf5.trees import GROUP_NODE, iterate_old_tree, iterate_tree_records

LinkKind = Literal["hard", "soft", "external", "user"]

_WHERE = "group"
_CACHED_SOFT_LINK = 2
_NAME_INDEX = 5
_KIND_STORED, _ORDER_STORED, _CHARSET_STORED = 0x08, 0x04, 0x10
_NAME_SIZE_WIDTH = 0x03
_ORDER_TRACKED = 0x01
_HARD, _SOFT, _EXTERNAL = 0, 1, 64


class Link(NamedTuple):
    """One name in a group."""

    name: str
    """As stored: UTF-8, with surrogates for bytes that are not; escape it before printing."""

    kind: LinkKind
    target: str = ""
    """Where a soft link or an external one (``file:path``) says it leads; empty for the others."""

    address: int | None = None
    """The object that a hard link leads to; ``None`` for the others."""


def read_links(storage: Storage, messages: tuple[Message, ...]) -> tuple[Link, ...]:
    """Every link of the object that *messages* describe, in the order of the bytes of their names.

    An object that is no group has none.
    """
    links = [
        *_read_symbol_table(storage, messages),
        *_read_link_messages(storage, messages),
        *_read_dense_links(storage, messages),
    ]
    return tuple(sorted(links, key=lambda link: link.name.encode("utf-8", "surrogateescape")))


def _read_symbol_table(storage: Storage, messages: tuple[Message, ...]) -> Iterator[Link]:
    """Links of an old group: names in a local heap, entries in the leaves of a tree."""
    message = find_message(messages, SYMBOL_TABLE)
    if message is None:
        return
    pointer = open_body(storage, message, where=_WHERE)
    tree_address, heap_address = pointer.defined_address(), pointer.defined_address()
    heap = open_local_heap(storage, heap_address)
    nodes = iterate_old_tree(storage, tree_address, kind=GROUP_NODE, key_size=storage.widths.length)
    for _, node_address in nodes:
        yield from _read_symbol_node(storage, node_address, heap)


def _read_symbol_node(storage: Storage, address: int, heap: LocalHeap) -> Iterator[Link]:
    where = "symbol table node"
    header = storage.structure(address, 8, signature=b"SNOD", where=where)
    header.version(1)
    header.skip(1)
    count = header.unsigned(2)
    entry_size = 2 * storage.widths.offset + 24
    storage.count(count, where=where)
    entries = storage.cursor(address + 8, count * entry_size, where=where)
    for _ in range(count):
        entry = entries.part(entry_size)
        name = decode_text(heap.text(entry.unsigned(storage.widths.offset)))
        target_address = entry.address()
        cached = entry.unsigned(4)
        entry.skip(4)
        if cached == _CACHED_SOFT_LINK:
            yield Link(name=name, kind="soft", target=decode_text(heap.text(entry.unsigned(4))))
        elif target_address is None:
            raise entry.damaged("a hard link leads nowhere")
        else:
            yield Link(name=name, kind="hard", address=target_address)


def _read_link_messages(storage: Storage, messages: tuple[Message, ...]) -> Iterator[Link]:
    """Links of a new group that has few of them."""
    for message in messages:
        if message.kind == LINK:
            yield _parse_link(open_body(storage, message, where="link message"))


def _read_dense_links(storage: Storage, messages: tuple[Message, ...]) -> Iterator[Link]:
    """Links of a new group that has many of them: link messages in a heap, with an index by name."""
    message = find_message(messages, LINK_INFO)
    if message is None:
        return
    info = open_body(storage, message, where="link info")
    info.version(0)
    info.skip(8 if info.unsigned(1) & _ORDER_TRACKED else 0)
    heap_address, index_address = info.address(), info.address()
    if heap_address is None or index_address is None:
        return
    # Few groups are so large.
    from envlock.formats.hdf5.fractal_heap import FractalHeap

    heap = FractalHeap(storage, heap_address)
    for record in iterate_tree_records(storage, index_address, kind=_NAME_INDEX):
        record.skip(4)  # hash of the name
        yield _parse_link(heap.read(record.take(heap.id_size), where="link in a heap"))


def _parse_link(cursor: Cursor) -> Link:
    cursor.version(1)
    flags = cursor.unsigned(1)
    kind = cursor.unsigned(1) if flags & _KIND_STORED else _HARD
    cursor.skip((8 if flags & _ORDER_STORED else 0) + (1 if flags & _CHARSET_STORED else 0))
    name = decode_text(cursor.take(cursor.unsigned(1 << (flags & _NAME_SIZE_WIDTH))))
    if kind == _HARD:
        return Link(name=name, kind="hard", address=cursor.defined_address())
    value = cursor.part(cursor.unsigned(2))
    if kind == _SOFT:
        return Link(name=name, kind="soft", target=decode_text(value.take(value.remaining)))
    if kind == _EXTERNAL:
        value.skip(1)  # version and flags
        file, path = decode_text(value.text()), decode_text(value.text())
        return Link(name=name, kind="external", target=f"{file}:{path}")
    return Link(name=name, kind="user")
