"""Fractal heaps: where version 2 object headers keep attributes and links once there are many, or large ones.

A heap's address space is a *doubling table*: rows of equally many blocks, the first two rows of the starting block
size, every further row of twice the size of the row above. Small rows hold direct blocks, that is objects; larger
ones hold indirect blocks, that is tables again.
"""

from __future__ import annotations

from typing import NamedTuple

from envlock.errors import UnsupportedFeatureError
from envlock.formats.hdf5.storage import CHECKSUM_SIZE, Cursor, Storage, bytes_for, is_power_of_two
from envlock.formats.hdf5.trees import iterate_tree_records

_WHERE = "fractal heap"
_BLOCKS_CHECKSUMMED = 0x02
_SHORT_TINY_OBJECT = 16


class _Header(NamedTuple):
    id_size: int
    blocks_are_checksummed: bool
    largest_managed: int
    huge_tree: int | None
    width: int
    """Blocks in a row."""

    starting_size: int
    largest_direct: int
    offset_size: int
    """Bytes of an offset into the heap's address space."""

    root: int | None
    rows: int
    """Rows of the root indirect block; 0 where the root is a direct block."""


class FractalHeap:
    """Objects by their heap identifier."""

    def __init__(self, storage: Storage, address: int) -> None:
        self._storage = storage
        self._address = address
        self._header = _read_header(storage, address)
        self._blocks: dict[int, bytes] = {}
        self._tables: dict[int, tuple[int | None, ...]] = {}
        self._huge: dict[int, tuple[int, int]] | None = None

    @property
    def id_size(self) -> int:
        """Bytes of a heap identifier."""
        return self._header.id_size

    def read(self, heap_id: bytes, *, where: str) -> Cursor:
        """A cursor over the object that *heap_id* names; *where* says what it is.

        Raises:
            DamagedFileError: There is none.
            UnsupportedFeatureError: The identifier is of a kind that the format does not define yet.
            LimitExceededError: The file has more objects in its heaps than any model.
        """
        self._storage.count(1, where=where)
        identifier = self._storage.cursor_over(heap_id, address=self._address, where=where)
        flags = identifier.unsigned(1)
        match flags >> 4:  # version in the upper two bits, kind in the lower two
            case 0:
                return self._read_managed(identifier)
            case 1:
                return self._read_huge(identifier)
            case 2:
                return self._read_tiny(identifier, flags)
        raise UnsupportedFeatureError(where, f"a heap identifier that starts with {flags}")

    def _read_tiny(self, identifier: Cursor, flags: int) -> Cursor:
        """An object that is kept in the identifier itself."""
        size = flags & 0x0F
        if self._header.id_size - 1 > _SHORT_TINY_OBJECT:
            size = size << 8 | identifier.unsigned(1)
        return identifier.part(size + 1)

    def _read_huge(self, identifier: Cursor) -> Cursor:
        """An object with space of its own in the file."""
        widths = self._storage.widths
        if widths.offset + widths.length <= self._header.id_size - 1:
            address, size = identifier.defined_address(), identifier.length()
        else:
            key = identifier.unsigned(min(self._header.id_size - 1, 8))
            if self._huge is None:
                self._huge = self._index_huge(identifier)
            if key not in self._huge:
                raise identifier.damaged(f"the heap holds no huge object {key}")
            address, size = self._huge[key]
        return self._storage.cursor(address, size, where=identifier.where)

    def _index_huge(self, identifier: Cursor) -> dict[int, tuple[int, int]]:
        if self._header.huge_tree is None:
            raise identifier.damaged("the heap holds no huge objects")
        index = {}
        for record in iterate_tree_records(self._storage, self._header.huge_tree, kind=1):
            address, size = record.defined_address(), record.length()
            index[record.length()] = address, size
        return index

    def _read_managed(self, identifier: Cursor) -> Cursor:
        """An object within a direct block."""
        header = self._header
        offset = identifier.unsigned(header.offset_size)
        size = identifier.unsigned(min(bytes_for(header.largest_direct - 1), bytes_for(header.largest_managed)))
        address, block_size, block_offset = self._find_block(offset, identifier)
        block = self._blocks.get(address)
        if block is None:
            block = self._blocks[address] = self._read_block(address, block_size)
        cursor = self._storage.cursor_over(block, address=address, where=identifier.where)
        cursor.skip(offset - block_offset)
        return cursor.part(size)

    def _read_block(self, address: int, size: int) -> bytes:
        """A direct block; offsets into the heap count its header too."""
        self._storage.count(1, where=_WHERE)
        block = self._storage.read(address, size, where=_WHERE)
        cursor = self._storage.cursor_over(block, address=address, where=_WHERE)
        cursor.expect(b"FHDB")
        self._check_block_prefix(cursor)
        checksum_start = cursor.position
        if self._header.blocks_are_checksummed:
            checksum = cursor.unsigned(CHECKSUM_SIZE)
            # The checksum was taken while its own field was zero.
            blanked = block[:checksum_start] + bytes(CHECKSUM_SIZE) + block[cursor.position :]
            self._storage.verify(blanked, checksum=checksum, address=address, where=_WHERE)
        return block

    def _check_block_prefix(self, cursor: Cursor) -> None:
        cursor.version(0)
        if cursor.address() != self._address:
            raise cursor.damaged("the block belongs to another heap")
        cursor.skip(self._header.offset_size)

    def _find_block(self, offset: int, identifier: Cursor) -> tuple[int, int, int]:
        """Address, size and heap offset of the direct block that holds *offset*."""
        header = self._header
        if header.root is None:
            raise identifier.damaged("the heap is empty")
        address, rows, start = header.root, header.rows, 0
        if rows == 0:
            return address, header.starting_size, 0
        direct_rows = (header.largest_direct // header.starting_size).bit_length() + 1
        while True:
            row, column, size, start = self._locate(offset, start)
            if row >= rows:
                raise identifier.damaged(f"offset {offset} lies outside of the heap")
            child = self._open_table(address, rows)[row * header.width + column]
            if child is None:
                raise identifier.damaged(f"offset {offset} lies in a block that was never written")
            if row < direct_rows:
                return child, size, start
            # A table of fewer rows than the row it stands in: the descent ends.
            address, rows = child, (size // (header.starting_size * header.width)).bit_length()

    def _locate(self, offset: int, start: int) -> tuple[int, int, int, int]:
        """Row, column, size and heap offset of the block that holds *offset* in the table that begins at *start*."""
        first_row_size = self._header.starting_size * self._header.width
        row = ((offset - start) // first_row_size).bit_length()
        doublings = max(0, row - 1)
        size = self._header.starting_size << doublings
        row_start = first_row_size << doublings if row else 0
        column = (offset - start - row_start) // size
        return row, column, size, start + row_start + column * size

    def _open_table(self, address: int, rows: int) -> tuple[int | None, ...]:
        """Addresses of the blocks that an indirect block lists, row by row."""
        table = self._tables.get(address)
        if table is None or len(table) < rows * self._header.width:
            table = self._tables[address] = self._read_table(address, rows * self._header.width)
        return table

    def _read_table(self, address: int, entries: int) -> tuple[int | None, ...]:
        widths = self._storage.widths
        size = 5 + widths.offset + self._header.offset_size + entries * widths.offset + CHECKSUM_SIZE
        self._storage.count(entries, where=_WHERE)
        cursor = self._storage.checksummed(address, size, signature=b"FHIB", where=_WHERE)
        self._check_block_prefix(cursor)
        return tuple(cursor.address() for _ in range(entries))


def _read_header(storage: Storage, address: int) -> _Header:
    widths = storage.widths
    size = 26 + 12 * widths.length + 3 * widths.offset
    prefix = storage.structure(address, 9, signature=b"FRHP", where=_WHERE)
    prefix.version(0)
    id_size = prefix.unsigned(2)
    if prefix.unsigned(2):
        raise UnsupportedFeatureError(_WHERE, "a heap with filters")
    cursor = storage.checksummed(address, size, signature=b"FRHP", where=_WHERE)
    cursor.skip(5)
    flags = cursor.unsigned(1)
    largest_managed = cursor.unsigned(4)
    cursor.length()  # next identifier of a huge object
    huge_tree = cursor.address()
    cursor.length()  # free space
    cursor.address()  # manager of the free space
    cursor.skip(8 * widths.length)  # statistics
    width = cursor.unsigned(2)
    starting_size, largest_direct = cursor.length(), cursor.length()
    offset_bits = cursor.unsigned(2)
    cursor.skip(2)  # rows that the root indirect block starts with
    root, rows = cursor.address(), cursor.unsigned(2)
    sizes_are_valid = is_power_of_two(starting_size) and is_power_of_two(largest_direct)
    if not (sizes_are_valid and width and id_size and starting_size <= largest_direct and offset_bits <= 64):
        raise cursor.damaged("the sizes of the heap's blocks contradict each other")
    return _Header(
        id_size=id_size,
        blocks_are_checksummed=bool(flags & _BLOCKS_CHECKSUMMED),
        largest_managed=largest_managed,
        huge_tree=huge_tree,
        width=width,
        starting_size=starting_size,
        largest_direct=largest_direct,
        offset_size=(offset_bits + 7) // 8,
        root=root,
        rows=rows,
    )
