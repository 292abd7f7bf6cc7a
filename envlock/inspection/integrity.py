"""Proof that all data of an artifact are there and as they were written: what a look at its structure cannot tell.

Takes a source, gives findings; everything is read, in pieces, and nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from envlock.artifacts.checkpoint import index_of, is_checkpoint_table, shard_names
from envlock.artifacts.interface import ArtifactSource
from envlock.artifacts.saved_model import SAVED_MODEL_NAMES, SAVED_MODEL_PARTS
from envlock.artifacts.tflite import is_tflite, iterate_buffers
from envlock.errors import ArtifactError, LimitExceededError, UnsupportedFeatureError
from envlock.formats.archive import Archive
from envlock.formats.flatbuffer import FlatBuffer
from envlock.formats.hdf5.file import Hdf5File
from envlock.formats.hdf5.superblock import find_hdf5_signature
from envlock.formats.ranges import RangeReader
from envlock.formats.tensor_bundle import find_damage, read_tensor_bundle
from envlock.formats.text import printable
from envlock.formats.zip_signature import find_zip_signature
from envlock.provenance import Finding

_HEAD_SIZE = 4096
_MOST_FINDINGS = 20
_MOST_OBJECTS = 100_000
_INDEX_SUFFIX = ".index"
_LARGEST_UNPACKED = 256 * 1024 * 1024


def check_integrity(source: ArtifactSource) -> tuple[Finding, ...]:
    """Check all data of *source*; nothing is found where they are whole. At most 20 findings are given.

    A folder is checked file by file, and so is that of a ``saved_model.pb``; a shard of a checkpoint stands for its
    index, which has the checksums. Frozen graphs and architectures keep no checksums, so there is nothing to check.

    Raises:
        ArtifactError: A file cannot be opened at all.
    """
    source, names = _choose_files(source)
    findings: list[Finding] = []
    for name in names:
        with source.open(name) as stream:
            findings += _check_file(source, name, stream)
        if len(findings) >= _MOST_FINDINGS:
            break
    return tuple(findings[:_MOST_FINDINGS])


def _choose_files(source: ArtifactSource) -> tuple[ArtifactSource, Sequence[str]]:
    """The names to open, and the folder that they are in; an empty name is the file *source* itself."""
    if source.is_folder:
        return source, list(source.files())
    folder, name = source.beside(), source.path.name
    if folder is None:
        return source, [""]
    if name in SAVED_MODEL_NAMES:
        return folder, list(folder.files(name, *SAVED_MODEL_PARTS))
    index = index_of(name)
    return (source, [""]) if index is None else (folder, list(folder.files(index)))


def _check_file(source: ArtifactSource, name: str, stream: BinaryIO) -> Iterator[Finding]:
    reader = RangeReader(stream)
    where = printable(name or source.path.name)
    head = reader.read(0, min(_HEAD_SIZE, reader.size), where=where)
    try:
        if find_zip_signature(head):
            yield from _check_archive(reader, where)
        elif find_hdf5_signature(head):
            yield from _check_hdf5(reader, where)
        elif is_tflite(head):
            yield from _check_buffers(reader, where)
        elif is_checkpoint_table(reader):
            yield from _check_shards(source, name, reader)
    except ArtifactError as error:
        yield _damage(where, error)


# --- containers ----------------------------------------------------------------------------------------------


def _check_archive(reader: RangeReader, where: str) -> Iterator[Finding]:
    archive = Archive(reader)
    for member in archive.members:
        try:
            archive.verify_member(member.name)
            if member.name.endswith(".h5"):
                weights = archive.open_member(member.name, limit=_LARGEST_UNPACKED)
                yield from _check_hdf5(weights, f"{where}, {printable(member.name)}")
        except ArtifactError as error:
            yield _damage(where, error)


def _check_hdf5(reader: RangeReader, where: str) -> Iterator[Finding]:
    file = Hdf5File(reader)
    for path in _dataset_paths(file):
        try:
            file.verify_values(path)
        except ArtifactError as error:
            yield _damage(where, error)


def _dataset_paths(file: Hdf5File) -> Iterator[str]:
    """Every dataset that hard links lead to, once."""
    pending, seen = [""], set[int]()
    while pending and len(seen) < _MOST_OBJECTS:
        group = pending.pop()
        for link in file.members(group or "/"):
            if link.address is None or link.address in seen:
                continue
            seen.add(link.address)
            path = f"{group}/{link.name}"
            if file.dataset(path) is None:
                pending.append(path)
            else:
                yield path


def _check_buffers(reader: RangeReader, where: str) -> Iterator[Finding]:
    for index, (start, size) in enumerate(iterate_buffers(FlatBuffer(reader, where=where))):
        if start + size > reader.size:
            yield Finding(
                reference="damaged-data",
                severity="error",
                message=f"{where}: buffer {index} reaches to byte {start + size} of {reader.size}",
                hint="copy or download the file again: its end is missing",
            )


# --- checkpoints ---------------------------------------------------------------------------------------------


def _check_shards(source: ArtifactSource, name: str, index: RangeReader) -> Iterator[Finding]:
    """Compare every tensor with its checksum; a shard that is missing has a finding of its own elsewhere."""
    folder = source if source.is_folder else source.beside()
    table = name or source.path.name
    bundle = read_tensor_bundle(index, where=printable(table))
    prefix, _, last = table.rpartition("/")
    present = set() if folder is None else set(folder.names(prefix))
    for number, shard in enumerate(shard_names(last, len(bundle.shard_sizes))):
        if folder is None or shard not in present:
            continue
        place = f"{prefix}/{shard}" if prefix else shard
        with folder.open(place) as stream:
            for tensor in find_damage(RangeReader(stream), bundle, number):
                yield Finding(
                    reference="damaged-data",
                    severity="error",
                    message=f"{printable(place)}: tensor {printable(tensor.name)} differs from its checksum",
                    hint="copy or download the file again: its content was changed",
                )


def _damage(where: str, error: ArtifactError) -> Finding:
    if isinstance(error, (UnsupportedFeatureError, LimitExceededError)):
        message = f"{where}: not all data were checked: {error}"
        return Finding(reference="unchecked-data", severity="info", message=message)
    return Finding(reference="damaged-data", severity="error", message=f"{where}: {error}", hint=error.hint)
