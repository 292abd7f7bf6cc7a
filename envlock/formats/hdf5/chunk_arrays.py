"""Arrays of chunks: how version 4 layouts index datasets that keep their size, or grow along one dimension.

Each gives the number and the entry of every chunk that was ever written; what an entry holds is for the caller to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from envlock.formats.hdf5.storage import CHECKSUM_SIZE, Cursor, Storage, is_power_of_two

Entry = tuple[int, Cursor]

_VERSION_AND_CLIENT = 2
_SIGNATURE_SIZE = 4


class _Blocks(NamedTuple):
    """How the data blocks of one array are laid out."""

    storage: Storage
    signature: bytes
    where: str
    entry_size: int
    page_entries: int
    """Entries of a page; data blocks with more of them are split into pages."""

    prefix_size: int
    """Bytes between the signature of a data block and its entries."""

    def is_paged(self, entries: int) -> bool:
        return entries > self.page_entries

    def bitmap_size(self, entries: int) -> int:
        """Bytes that say which pages of a block with so many entries were written."""
        return (-(-entries // self.page_entries) + 7) // 8 if self.is_paged(entries) else 0

    def read(self, address: int, entries: int) -> Iterator[Cursor]:
        """The entries of the block at *address*, which has no pages."""
        size = _SIGNATURE_SIZE + self.prefix_size + entries * self.entry_size + CHECKSUM_SIZE
        self.storage.count(entries, where=self.where)
        block = self.storage.checksummed(address, size, signature=self.signature, where=self.where)
        block.skip(self.prefix_size)
        return (block.part(self.entry_size) for _ in range(entries))

    def read_pages(self, address: int, entries: int, written: bytes) -> Iterator[Entry]:
        """The entries of the pages that were written, which lie one behind the other from *address* on."""
        self.storage.count(-(-entries // self.page_entries), where=self.where)
        for number, first in enumerate(range(0, entries, self.page_entries)):
            count = min(self.page_entries, entries - first)
            size = count * self.entry_size + CHECKSUM_SIZE
            if written[number // 8] & 0x80 >> number % 8:
                self.storage.count(count, where=self.where)
                page = self.storage.checksummed(address, size, signature=b"", where=self.where)
                yield from _numbered(first, (page.part(self.entry_size) for _ in range(count)))
            address += size


def iterate_fixed_array(storage: Storage, address: int) -> Iterator[Entry]:
    """The entries of the fixed array whose header is at *address*.

    Raises:
        DamagedFileError: A part contradicts the header.
    """
    where, widths = "fixed array", storage.widths
    size = 8 + widths.length + widths.offset + CHECKSUM_SIZE
    header = storage.checksummed(address, size, signature=b"FAHD", where=where)
    header.skip(_VERSION_AND_CLIENT)
    entry_size, page_bits = header.unsigned(1), header.unsigned(1)
    entries, block = header.length(), header.address()
    if block is None:
        return
    blocks = _Blocks(storage, b"FADB", where, entry_size, 1 << page_bits, _VERSION_AND_CLIENT + widths.offset)
    if not blocks.is_paged(entries):
        yield from _numbered(0, blocks.read(block, entries))
        return
    bitmap_size = blocks.bitmap_size(entries)
    size = _SIGNATURE_SIZE + blocks.prefix_size + bitmap_size + CHECKSUM_SIZE
    prefix = storage.checksummed(block, size, signature=b"FADB", where=where)
    prefix.skip(blocks.prefix_size)
    yield from blocks.read_pages(block + size, entries, prefix.take(bitmap_size))


def iterate_extensible_array(storage: Storage, address: int) -> Iterator[Entry]:
    """The entries of the extensible array whose header is at *address*.

    Its first entries stand in the index block, the next ones in data blocks that the index block points to, all
    others in data blocks of super blocks. Every second level of blocks has twice as many, the others twice as large.

    Raises:
        DamagedFileError: A part contradicts the header.
    """
    where, widths = "extensible array", storage.widths
    size = 12 + 6 * widths.length + widths.offset + CHECKSUM_SIZE
    header = storage.checksummed(address, size, signature=b"EAHD", where=where)
    header.skip(_VERSION_AND_CLIENT)
    entry_size, number_bits, in_index, smallest, pointers, page_bits = (header.unsigned(1) for _ in range(6))
    header.skip(6 * widths.length)  # statistics
    index_address = header.address()
    if index_address is None:
        return
    if not is_power_of_two(smallest) or not is_power_of_two(pointers):
        raise header.damaged("the sizes of the array's blocks are no powers of two")
    levels = max(0, 1 + number_bits - (smallest.bit_length() - 1))
    direct_levels = min(levels, 2 * (pointers.bit_length() - 1))
    offset_size = (number_bits + 7) // 8
    prefix_size = _VERSION_AND_CLIENT + widths.offset + offset_size
    blocks = _Blocks(storage, b"EADB", where, entry_size, 1 << page_bits, prefix_size)

    addresses = sum(1 << level // 2 for level in range(direct_levels)) + levels - direct_levels
    size = 6 + widths.offset + in_index * entry_size + addresses * widths.offset + CHECKSUM_SIZE
    index = storage.checksummed(index_address, size, signature=b"EAIB", where=where)
    index.skip(_VERSION_AND_CLIENT + widths.offset)
    yield from _numbered(0, (index.part(entry_size) for _ in range(in_index)))
    first = in_index
    for level in range(levels):
        count, entries = 1 << level // 2, smallest << (level + 1) // 2
        if level < direct_levels:
            found = [(index.address(), b"") for _ in range(count)]
        else:
            found = _read_super_block(blocks, index.address(), count, blocks.bitmap_size(entries))
        for number, (block, written) in enumerate(found):
            start = first + number * entries
            if block is not None and written:
                pages = block + _SIGNATURE_SIZE + prefix_size + CHECKSUM_SIZE
                yield from ((start + place, entry) for place, entry in blocks.read_pages(pages, entries, written))
            elif block is not None:
                yield from _numbered(start, blocks.read(block, entries))
        first += count * entries


def _read_super_block(
    blocks: _Blocks, address: int | None, count: int, bitmap_size: int
) -> list[tuple[int | None, bytes]]:
    """Address of each of the *count* data blocks, with the bits that say which of its pages were written."""
    if address is None:
        return []
    storage, where = blocks.storage, blocks.where
    storage.count(count, where=where)
    size = _SIGNATURE_SIZE + blocks.prefix_size + count * (bitmap_size + storage.widths.offset) + CHECKSUM_SIZE
    block = storage.checksummed(address, size, signature=b"EASB", where=where)
    block.skip(blocks.prefix_size)
    written = [block.take(bitmap_size) for _ in range(count)]
    return [(block.address(), bits) for bits in written]


def _numbered(first: int, entries: Iterable[Cursor]) -> Iterator[Entry]:
    return ((number, entry) for number, entry in enumerate(entries, first))
