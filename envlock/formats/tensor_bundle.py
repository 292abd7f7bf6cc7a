"""The tables of TensorFlow checkpoints, from bytes to the tensors they list and where these lie.

Since TensorFlow 0.12 a checkpoint is an index (``*.index``), and shards beside it that hold the tensors; before, and
on request later, it was a single table with the tensors in it. Shards are not opened here. Format:
tensorflow/core/protobuf/tensor_bundle.proto, tensorflow/core/util/saved_tensor_slice.proto.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from envlock.errors import DamagedFileError, LimitExceededError
from envlock.formats.crc32c import crc32c, masked
from envlock.formats.protobuf import FIXED32, LENGTH_DELIMITED, VARINT, Span, WireReader, read_varint
from envlock.formats.ranges import RangeReader
from envlock.formats.sorted_table import iterate_entries
from envlock.formats.tensor_types import dtype_name, read_shape

_MOST_ENTRIES = 200_000
_MOST_SHARDS = 100_000
CHECKSUM_SIZE = 4
_LONGEST_VARINT = 10
_PIECE = 128 * 1024  # the size that checksums are fastest for

_HEADER_NUM_SHARDS, _HEADER_ENDIANNESS, _HEADER_VERSION = 1, 2, 3  # BundleHeaderProto
# BundleEntryProto
_ENTRY_DTYPE, _ENTRY_SHAPE, _ENTRY_SHARD_ID, _ENTRY_OFFSET, _ENTRY_SIZE, _ENTRY_CRC32C, _ENTRY_SLICE = range(1, 8)
_VERSION_PRODUCER = 1  # VersionDef
_SLICES_META = 1  # SavedTensorSlices
_META_TENSOR, _META_VERSION = 1, 2  # SavedTensorSliceMeta
_TENSOR_NAME, _TENSOR_SHAPE, _TENSOR_TYPE = 1, 2, 3  # SavedSliceMeta

_SLICE_KEY = b"\x00"
"""How keys begin under which a part of a partitioned variable is kept."""


class StoredTensor(NamedTuple):
    """One tensor of a checkpoint, or one part of a partitioned variable."""

    name: str
    """Its key, with surrogates for bytes that are no UTF-8: escape it before printing."""

    dtype: str
    """TensorFlow's short name, such as ``float32``; empty where unknown."""

    shape: tuple[int | None, ...] | None
    shard: int = 0
    offset: int = 0
    """Of its first byte in the shard."""

    size: int = 0
    """Bytes in the shard; none for a variable whose parts are listed on their own."""

    checksum: int | None = None
    """As stored, see :func:`envlock.formats.crc32c.masked`; ``None`` where none is kept."""

    is_partitioned: bool = False
    is_part: bool = False


class TensorBundle(NamedTuple):
    """What the table of a checkpoint says."""

    shard_sizes: tuple[int, ...] = ()
    """Bytes that each shard must have at least, in the order of the shards; empty for the single-file format."""

    tensors: tuple[StoredTensor, ...] = ()
    """Sorted by their keys."""

    version: int = 0
    """Of the format, as the writer stated it."""

    is_big_endian: bool = False
    is_single_file: bool = False
    """Whether it is a checkpoint of the first format, which holds the tensors itself."""

    @property
    def variables(self) -> tuple[StoredTensor, ...]:
        """The tensors by the names that a loader asks for."""
        return tuple(tensor for tensor in self.tensors if not tensor.is_part)


def read_tensor_bundle(reader: RangeReader, *, where: str) -> TensorBundle:
    """Read the table of a checkpoint; *where* names the file in errors.

    Raises:
        ArtifactError: It is no such table, is cut short or damaged.
    """
    entries = iterate_entries(reader, where=where)
    key, header = next(entries, (b"", b""))
    if key:
        raise DamagedFileError(where, "the first entry is not the header of a checkpoint")
    wire = WireReader(header, where=f"header of {where}")
    if any(number == _SLICES_META and kind == LENGTH_DELIMITED for number, kind, _ in wire.fields(wire.root)):
        return _read_single_file(wire, where)
    return _read_index(wire, entries, where)


def read_string(shard: RangeReader, tensor: StoredTensor, *, limit: int, where: str) -> bytes:
    """The one string of up to *limit* bytes that *tensor*, a scalar of strings, holds in its *shard*.

    Raises:
        DamagedFileError: It is no single string, or its checksum differs.
        LimitExceededError: It is longer.
        TruncatedFileError: The shard ends first.
    """
    if tensor.size > limit:
        raise LimitExceededError(where, what="size of a string in bytes", limit=limit, found=tensor.size)
    data = shard.read(tensor.offset, tensor.size, where=where)
    # A varint with the length, a checksum of the length, the string.
    length, behind = read_varint(data, 0, where=where, origin=tensor.offset)
    start = behind + CHECKSUM_SIZE
    if tensor.dtype != "string" or start + length != len(data):
        raise DamagedFileError(where, "expected a single string", offset=tensor.offset)
    checksum = crc32c(data[behind:], crc32c(encode_length(length)))
    if tensor.checksum is not None and masked(checksum) != tensor.checksum:
        raise DamagedFileError(where, "the checksum of a string does not match it", offset=tensor.offset)
    return data[start:]


def find_damage(shard: RangeReader, bundle: TensorBundle, number: int) -> Iterator[StoredTensor]:
    """The tensors in the shard with this *number* that are not whole, or differ from their checksums.

    Tensors of variants, which Python objects alone read back, have a form of their own and are passed over.
    """
    for tensor in bundle.tensors:
        if tensor.shard != number or tensor.checksum is None or not tensor.size or tensor.dtype == "variant":
            continue
        checksum = _string_checksum if tensor.dtype == "string" else _checksum
        if tensor.offset + tensor.size > shard.size or masked(checksum(shard, tensor)) != tensor.checksum:
            yield tensor


def _checksum(shard: RangeReader, tensor: StoredTensor, *, start: int = 0, checksum: int = 0) -> int:
    """The checksum *checksum* continued over the bytes of *tensor* from *start* on."""
    for place in range(start, tensor.size, _PIECE):
        size = min(_PIECE, tensor.size - place)
        checksum = crc32c(shard.read(tensor.offset + place, size, where=f"shard {tensor.shard}"), checksum)
    return checksum


def _string_checksum(shard: RangeReader, tensor: StoredTensor) -> int:
    """The checksum of strings: over their lengths, as numbers of a fixed size, and over what follows these."""
    count = math.prod(size or 0 for size in tensor.shape or ())
    position, checksum = 0, 0
    for _ in range(count):
        head = shard.read(tensor.offset + position, min(_LONGEST_VARINT, tensor.size - position), where="a string")
        length, behind = read_varint(head, 0, where="a string", origin=tensor.offset + position)
        position += behind
        checksum = crc32c(encode_length(length), checksum)
    return _checksum(shard, tensor, start=position, checksum=checksum)


def encode_length(length: int) -> bytes:
    """The form in which the length of a string enters its checksum, which is not the form in which it is stored."""
    return length.to_bytes(4 if length < 1 << 32 else 8, "little")


# --- the index of shards -------------------------------------------------------------------------------------


def _read_index(wire: WireReader, entries: Iterator[tuple[bytes, bytes]], where: str) -> TensorBundle:
    count = wire.integer(wire.root, _HEADER_NUM_SHARDS) or 0
    if count > _MOST_SHARDS:
        raise LimitExceededError(where, what="number of shards", limit=_MOST_SHARDS, found=count)
    shard_sizes = [0] * count
    tensors: list[StoredTensor] = []
    for key, value in entries:
        tensor = _read_entry(key, value, where)
        if tensor.shard >= count:
            raise DamagedFileError(where, f"a tensor lies in shard {tensor.shard} of {count}")
        shard_sizes[tensor.shard] = max(shard_sizes[tensor.shard], tensor.offset + tensor.size)
        tensors.append(tensor)
        _check_count(len(tensors), where)
    return TensorBundle(
        shard_sizes=tuple(shard_sizes),
        tensors=tuple(tensors),
        version=_read_version(wire, wire.root, _HEADER_VERSION),
        is_big_endian=bool(wire.integer(wire.root, _HEADER_ENDIANNESS)),
    )


def _read_entry(key: bytes, value: bytes, where: str) -> StoredTensor:
    wire = WireReader(value, where=f"an entry of {where}")
    fields = {(number, kind): payload for number, kind, payload in wire.fields(wire.root)}
    dtype, shard, offset, size = (
        wire.varint(fields[number, VARINT]) if (number, VARINT) in fields else 0
        for number in (_ENTRY_DTYPE, _ENTRY_SHARD_ID, _ENTRY_OFFSET, _ENTRY_SIZE)
    )
    checksum = fields.get((_ENTRY_CRC32C, FIXED32))
    shape = fields.get((_ENTRY_SHAPE, LENGTH_DELIMITED))
    return StoredTensor(
        name=key.decode(errors="surrogateescape"),
        dtype=dtype_name(dtype),
        shape=() if shape is None else read_shape(wire, shape),
        shard=shard,
        offset=offset,
        size=size,
        checksum=None if checksum is None else int.from_bytes(wire.content(checksum), "little"),
        is_partitioned=(_ENTRY_SLICE, LENGTH_DELIMITED) in fields,
        is_part=key.startswith(_SLICE_KEY),
    )


# --- the format of a single file -----------------------------------------------------------------------------


def _read_single_file(wire: WireReader, where: str) -> TensorBundle:
    """Read the list of tensors that is the first entry; the others, which hold the tensors, are left alone."""
    tensors: list[StoredTensor] = []
    version = 0
    for meta in wire.payloads(wire.root, _SLICES_META):
        version = _read_version(wire, meta, _META_VERSION)
        for tensor in wire.payloads(meta, _META_TENSOR):
            tensors.append(_read_slices(wire, tensor))
            _check_count(len(tensors), where)
    tensors.sort(key=lambda tensor: tensor.name)
    return TensorBundle(tensors=tuple(tensors), version=version, is_single_file=True)


def _read_slices(wire: WireReader, tensor: Span) -> StoredTensor:
    shapes = [read_shape(wire, shape) for shape in wire.payloads(tensor, _TENSOR_SHAPE)]
    return StoredTensor(
        name=wire.string(tensor, _TENSOR_NAME) or "",
        dtype=dtype_name(wire.integer(tensor, _TENSOR_TYPE) or 0),
        shape=shapes[-1] if shapes else (),
    )


def _read_version(wire: WireReader, message: Span, number: int) -> int:
    versions = [wire.integer(version, _VERSION_PRODUCER) or 0 for version in wire.payloads(message, number)]
    return versions[-1] if versions else 0


def _check_count(found: int, where: str) -> None:
    if found > _MOST_ENTRIES:
        raise LimitExceededError(where, what="number of tensors", limit=_MOST_ENTRIES, found=found)
