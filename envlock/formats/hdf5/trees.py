"""B-trees of version 1 (old groups, chunks of datasets) and of version 2 (indexes of heaps)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from envlock.formats.hdf5.storage import CHECKSUM_SIZE, Cursor, Storage, bytes_for

GROUP_NODE = 0
CHUNK_NODE = 1
_DEEPEST_TREE = 32
"""Levels; with two children a node, deeper trees hold more entries than a file has bytes."""


def iterate_old_tree(storage: Storage, address: int, *, kind: int, key_size: int) -> Iterator[tuple[Cursor, int]]:
    """The key before, and the address of, every child of the leaves of a version 1 tree, in order.

    Raises:
        DamagedFileError: A node is not one of this *kind*, or stands on the wrong level.
    """
    where = "version 1 B-tree"
    pending: list[tuple[int, int | None]] = [(address, None)]
    while pending:
        node_address, expected_level = pending.pop()
        header_size = 8 + 2 * storage.widths.offset
        header = storage.structure(node_address, header_size, signature=b"TREE", where=where)
        node_kind, level, entries = header.unsigned(1), header.unsigned(1), header.unsigned(2)
        if node_kind != kind or (expected_level is not None and level != expected_level):
            raise header.damaged(f"expected a node of type {kind}, found type {node_kind} on level {level}")
        storage.count(entries, where=where)
        size = entries * (key_size + storage.widths.offset)
        cursor = storage.cursor(node_address + header_size, size, where=where)
        children = [(cursor.part(key_size), cursor.defined_address()) for _ in range(entries)]
        if level == 0:
            yield from children
        else:
            # Levels fall by one from parent to child, so that a circle cannot close.
            pending.extend((child, level - 1) for _, child in reversed(children))


class _Level(NamedTuple):
    """How nodes at one height above the leaves are laid out."""

    most_records: int
    pointer_size: int
    """Bytes of a pointer to a child: address, its records, all records below it; 0 for leaves."""


def iterate_tree_records(storage: Storage, address: int, *, kind: int) -> Iterator[Cursor]:
    """Every record of the version 2 tree at *address*, in no particular order.

    *kind* is the type of the records, which the tree must have.

    Raises:
        DamagedFileError: A node contradicts the header of the tree.
    """
    where = "version 2 B-tree"
    widths = storage.widths
    size = 16 + widths.offset + 2 + widths.length + CHECKSUM_SIZE
    header = storage.checksummed(address, size, signature=b"BTHD", where=where)
    header.version(0)
    found_kind, node_size, record_size, depth = (header.unsigned(width) for width in (1, 4, 2, 2))
    if found_kind != kind:
        raise header.damaged(f"expected records of type {kind}, found type {found_kind}")
    if not record_size or depth > _DEEPEST_TREE:
        raise header.damaged(f"records of {record_size} bytes in a tree of depth {depth} are impossible")
    header.skip(2)  # when to split and to merge nodes
    root, root_records = header.address(), header.unsigned(2)
    levels = _plan_levels(node_size, record_size, depth, widths.offset)
    count_size = bytes_for(levels[0].most_records)
    pending = [] if root is None else [(root, root_records, depth)]
    while pending:
        node_address, records, height = pending.pop()
        level = levels[height]
        if records > level.most_records:
            raise header.damaged(f"a node with {records} records has room for {level.most_records}")
        children = records + 1 if height else 0
        size = 6 + records * record_size + children * level.pointer_size + CHECKSUM_SIZE
        signature = b"BTIN" if height else b"BTLF"
        node = storage.checksummed(node_address, size, signature=signature, where=where)
        node.skip(2)  # version and type, as in the header
        storage.count(records, where=where)
        for _ in range(records):
            yield node.part(record_size)
        for _ in range(children):
            pointer = node.part(level.pointer_size)
            pending.append((pointer.defined_address(), pointer.unsigned(count_size), height - 1))


def _plan_levels(node_size: int, record_size: int, depth: int, address_size: int) -> list[_Level]:
    """The layout of nodes from the leaves up to the root, which the format leaves to be worked out."""
    room = max(0, node_size - 6 - CHECKSUM_SIZE)
    levels = [_Level(most_records=room // record_size, pointer_size=0)]
    count_size = bytes_for(levels[0].most_records)
    most_below, total_size = levels[0].most_records, 0
    for _ in range(depth):
        pointer_size = address_size + count_size + total_size
        most_records = max(0, room - pointer_size) // (record_size + pointer_size)
        levels.append(_Level(most_records=most_records, pointer_size=pointer_size))
        most_below = most_records + (most_records + 1) * most_below
        total_size = bytes_for(most_below)
    return levels
