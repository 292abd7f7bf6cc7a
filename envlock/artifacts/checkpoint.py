"""TensorFlow checkpoints: the variables of a model without the model.

Takes the index, a shard, the state file, the folder they are in, or a checkpoint of one file, and gives a Provenance.
Shards are not read, but for the graph of objects that one of them holds. Format:
tensorflow/core/protobuf/trackable_object_graph.proto; python/training/checkpoint_state.proto for the state file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import PurePosixPath, PureWindowsPath
from typing import BinaryIO, NamedTuple

from envlock.artifacts.foreign import describe_folder, listed
from envlock.artifacts.graph import GraphCensus
from envlock.artifacts.interface import ArtifactSource
from envlock.artifacts.meta_graph import read_meta_graph
from envlock.artifacts.shards import find_truncated
from envlock.errors import ArtifactError, NotAModelError
from envlock.formats.protobuf import Span, WireReader
from envlock.formats.ranges import RangeReader
from envlock.formats.sorted_table import FOOTER_SIZE, MAGIC
from envlock.formats.tensor_bundle import StoredTensor, TensorBundle, read_string, read_tensor_bundle
from envlock.formats.text import printable
from envlock.provenance import ArtifactFormat, Evidence, Finding, Provenance

_STATE = "checkpoint"
_STATE_HEAD = re.compile(rb"\s*model_checkpoint_path\s*:")
_STATE_PATH = re.compile(
    r"""^[ \t]*model_checkpoint_path[ \t]*:[ \t]*(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)')""", re.MULTILINE
)
_ESCAPE = re.compile(r"\\(.)")
_LARGEST_STATE = 256 * 1024
_INDEX_SUFFIX, _META_SUFFIX = ".index", ".meta"
_SHARD_NAME = re.compile(r"(.+)\.data-\d{5,}-of-\d{5,}")
_NUMBER = re.compile(r"(\d+)")

_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_GRAPH_NODE = 1  # TrackableObjectGraph
_NODE_CHILD, _NODE_SLOT = 1, 3  # TrackableObjectGraph.TrackableObject
_CHILD_NAME = 2  # TrackableObjectGraph.TrackableObject.ObjectReference
_SLOT_NAME = 2  # TrackableObjectGraph.TrackableObject.SlotVariableReference
_LARGEST_GRAPH = 32 * 1024 * 1024

_KERAS_CHILD = re.compile(r"layer(_with_weights)?-\d+|keras_api|_operations|_self_tracked_trackables")
"""What Keras models call the objects below them, and no others do."""

VALUE_KEY = "/.ATTRIBUTES/VARIABLE_VALUE"
"""How the keys of variables end that are saved by their objects."""

_HEAD_SIZE = 4096
_SHOWN_VARIABLES = 50
_SHOWN_NAME = 200
_COPY_AGAIN = "copy all files of the checkpoint again from where it was saved"


class CheckpointReader:
    """Reads checkpoints of every TensorFlow release."""

    formats: tuple[ArtifactFormat, ...] = ("checkpoint",)

    def recognises(self, source: ArtifactSource, head: bytes) -> bool:
        """Whether *source* is a part of a checkpoint, or a folder with one.

        Shards hold nothing but numbers, so that they are known by their names alone.
        """
        if source.is_folder:
            return any(name == _STATE or name.endswith(_INDEX_SUFFIX) for name in source.names())
        if _SHARD_NAME.fullmatch(source.path.name) or _STATE_HEAD.match(head):
            return True
        with suppress(ArtifactError, OSError), source.open() as stream:
            return is_checkpoint_table(RangeReader(stream))
        return False

    def read(self, source: ArtifactSource) -> Provenance:
        """Read the checkpoint of *source*; of several in a folder, the one that the state file names.

        Raises:
            ArtifactError: There is none, or its index is damaged.
        """
        checkpoint = _find_checkpoint(source)
        with checkpoint.open(checkpoint.table) as stream:
            bundle = read_tensor_bundle(RangeReader(stream), where=printable(checkpoint.table))
        shards = dict(zip(shard_names(checkpoint.table, len(bundle.shard_sizes)), bundle.shard_sizes, strict=True))
        objects = _read_objects(checkpoint, bundle, shards)
        saver, damaged_meta = _read_meta(checkpoint)
        return Provenance(
            path=source.path,
            format="checkpoint",
            content="variables",
            size=sum(checkpoint.files.get(name, 0) for name in (checkpoint.table, checkpoint.meta, *shards)),
            evidence=(
                *saver,
                *_describe_bundle(checkpoint, bundle),
                *_describe_objects(objects, where=checkpoint.table),
            ),
            findings=(*checkpoint.findings, *damaged_meta, *_check_shards(checkpoint, shards)),
            traits=_traits(bundle, objects),
        )


def read_variables(source: ArtifactSource) -> tuple[StoredTensor, ...]:
    """The variables of the checkpoint that *source* is a part of or holds, by the names that loaders ask for.

    Raises:
        ArtifactError: There is none, or its index is damaged.
    """
    checkpoint = _find_checkpoint(source)
    with checkpoint.open(checkpoint.table) as stream:
        return _variables(read_tensor_bundle(RangeReader(stream), where=printable(checkpoint.table)))


def is_checkpoint_table(reader: RangeReader) -> bool:
    """Whether the file ends as the index of a checkpoint does, or a checkpoint of one file."""
    if reader.size < FOOTER_SIZE:
        return False
    return reader.read(reader.size - len(MAGIC), len(MAGIC), where="footer") == MAGIC


def shard_names(table: str, count: int) -> tuple[str, ...]:
    """Names of the *count* shards of the checkpoint with the index *table*, in order."""
    prefix = table.removesuffix(_INDEX_SUFFIX)
    return tuple(f"{prefix}.data-{number:05d}-of-{count:05d}" for number in range(count))


def index_of(shard: str) -> str | None:
    """Name of the index that the file *shard* belongs to; ``None`` where that is not the name of a shard."""
    match = _SHARD_NAME.fullmatch(shard)
    return None if match is None else match[1] + _INDEX_SUFFIX


# --- the files -----------------------------------------------------------------------------------------------


class _Checkpoint(NamedTuple):
    """The files of one checkpoint."""

    source: ArtifactSource
    """The folder, or the table alone where nothing is known of what stands beside it."""

    table: str
    """Name of the index, or of the one file of the first format."""

    files: Mapping[str, int]
    """Bytes of each file that belongs to it, by name."""

    findings: tuple[Finding, ...] = ()

    @property
    def meta(self) -> str:
        """Name of the file with the graph, which TensorFlow 1.x writes beside the variables."""
        return self.table.removesuffix(_INDEX_SUFFIX) + _META_SUFFIX

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open one of its files."""
        return self.source.open(name if self.source.is_folder else "")


def _find_checkpoint(source: ArtifactSource) -> _Checkpoint:
    if source.is_folder:
        return _find_in_folder(source)
    name, folder = source.path.name, source.beside()
    table = index_of(name)
    if table is None and not _is_state(source):
        return _gather(folder or source, name)
    if folder is None:
        raise NotAModelError(
            str(source.path),
            found="a part of a checkpoint, without the others",
            hint="pass the folder that holds all files of the checkpoint",
        )
    if table is None:
        return _find_in_folder(folder, state=name)
    if table not in folder.names():
        found = f"a shard of a checkpoint, without its index {printable(table)}"
        raise NotAModelError(str(source.path), found=found, hint=_COPY_AGAIN)
    return _gather(folder, table)


def _is_state(source: ArtifactSource) -> bool:
    with source.open() as stream:
        return _STATE_HEAD.match(stream.read(_HEAD_SIZE)) is not None


def _find_in_folder(folder: ArtifactSource, *, state: str = _STATE) -> _Checkpoint:
    """The checkpoint that the state file names, else the one with the highest numbers in its name."""
    names = folder.names()
    indexes = sorted((name for name in names if name.endswith(_INDEX_SUFFIX)), key=_natural_order)
    recorded = _read_state(folder, state) if state in folder.files(state) else ""
    named = _last_part(recorded)
    for table in (named + _INDEX_SUFFIX, named):
        if named and table in names:
            return _gather(folder, table, findings=tuple(_check_place(recorded)))
    if not indexes and not named:
        raise describe_folder(folder)
    if not indexes:
        found = f"the state file of a checkpoint, {printable(named)}, that is not here"
        raise NotAModelError(str(folder.path), found=found, hint=_COPY_AGAIN)
    return _gather(folder, indexes[-1], findings=tuple(_check_choice(indexes, named)))


def _gather(source: ArtifactSource, table: str, *, findings: tuple[Finding, ...] = ()) -> _Checkpoint:
    """The checkpoint of *table*, with the files that belong to it; no other file of the folder is looked at."""
    prefix = table.removesuffix(_INDEX_SUFFIX)
    parts = [name for name in source.names() if name in {table, prefix + _META_SUFFIX} or _is_shard_of(name, prefix)]
    return _Checkpoint(source=source, table=table, files=source.files(*parts) if parts else {}, findings=findings)


def _is_shard_of(name: str, prefix: str) -> bool:
    return index_of(name) == prefix + _INDEX_SUFFIX


def _read_state(folder: ArtifactSource, name: str) -> str:
    """The path that the state file records, which may lead anywhere; empty where it records none."""
    with folder.open(name) as stream:
        text = stream.read(_LARGEST_STATE).decode(errors="surrogateescape")
    found = _STATE_PATH.search(text)
    return "" if found is None else _ESCAPE.sub(r"\1", found[1] or found[2] or "")


def _last_part(path: str) -> str:
    """The name in a path of any operating system: a state file's path is never followed, only its name is used."""
    return PureWindowsPath(PurePosixPath(path).name).name


def _natural_order(name: str) -> tuple[tuple[int, str], ...]:
    """Sorts ``ckpt-10`` behind ``ckpt-9``."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBER.split(name))


def _check_place(recorded: str) -> Iterator[Finding]:
    if recorded != _last_part(recorded):
        yield Finding(
            reference="moved-checkpoint",
            severity="info",
            message=f"the state file places the checkpoint at {printable(recorded)}, and it lies beside the file",
            hint="pass its own path to the loader, not that of the folder",
        )


def _check_choice(indexes: list[str], named: str) -> Iterator[Finding]:
    if named:
        yield Finding(
            reference="missing-checkpoint",
            severity="warning",
            message=f"the state file names {printable(named)}, which is not here; {printable(indexes[-1])} was read",
            hint=_COPY_AGAIN,
        )
    elif len(indexes) > 1:
        yield Finding(
            reference="several-checkpoints",
            severity="info",
            message=f"the folder holds {listed(indexes)}; {printable(indexes[-1])} was read",
            hint="pass the index of another one to read that",
        )


def _check_shards(checkpoint: _Checkpoint, sizes: Mapping[str, int]) -> Iterator[Finding]:
    missing = [name for name in sizes if name not in checkpoint.files]
    if missing:
        yield Finding(
            reference="missing-shard",
            severity="error",
            message=f"the checkpoint lacks {listed(missing)}",
            hint=_COPY_AGAIN,
        )
    yield from find_truncated(checkpoint.files, sizes, reference="truncated-shard")


# --- what they hold ------------------------------------------------------------------------------------------


def _read_meta(checkpoint: _Checkpoint) -> tuple[tuple[Evidence, ...], tuple[Finding, ...]]:
    """What the graph beside the variables says about its writer, and a finding where it cannot be read."""
    name = checkpoint.meta
    if name not in checkpoint.files:
        return (), ()
    try:
        with checkpoint.open(name) as stream:
            wire = WireReader(RangeReader(stream), where=printable(name))
            evidence = read_meta_graph(wire, wire.root, GraphCensus(wire), location=printable(name)).evidence
    except ArtifactError as error:
        hint = "the variables can be read without it; copy it again if you need the graph"
        return (), (Finding(reference="damaged-graph", severity="warning", message=str(error), hint=hint),)
    return evidence, ()


def _describe_bundle(checkpoint: _Checkpoint, bundle: TensorBundle) -> Iterator[Evidence]:
    where = printable(checkpoint.table)
    yield Evidence(fact="checkpoint-version", value=str(bundle.version), location=f"{where}: header")
    yield Evidence(fact="variable-count", value=str(len(_variables(bundle))), location=where)
    yield Evidence(fact="variables", value=_list_variables(_variables(bundle)), location=where)
    slots = _find_slots(bundle)
    if slots:
        yield Evidence(fact="optimizer-slots", value=", ".join(slots), location=f"{where}: names of variables")


def _variables(bundle: TensorBundle) -> tuple[StoredTensor, ...]:
    return tuple(tensor for tensor in bundle.variables if tensor.name != _OBJECT_GRAPH)


def _list_variables(variables: tuple[StoredTensor, ...]) -> str:
    shown = ", ".join(_describe_tensor(tensor) for tensor in variables[:_SHOWN_VARIABLES])
    return shown + (f" and {len(variables) - _SHOWN_VARIABLES} more" if len(variables) > _SHOWN_VARIABLES else "")


def _describe_tensor(tensor: StoredTensor) -> str:
    """Such as ``kernel float32[2, 1]``."""
    shape = "" if tensor.shape is None else ", ".join("?" if size is None else str(size) for size in tensor.shape)
    return f"{tensor.name[:_SHOWN_NAME]} {tensor.dtype}[{shape}]"


def _find_slots(bundle: TensorBundle) -> list[str]:
    """Names that optimizers give to what they keep of each variable: ``Adam`` of ``weights`` and ``weights/Adam``."""
    names = {tensor.name for tensor in bundle.variables}
    split = (name.rpartition("/") for name in names if not name.endswith(VALUE_KEY))
    return sorted({slot for variable, _, slot in split if variable in names})


class _Objects(NamedTuple):
    """The graph of the Python objects whose variables were saved."""

    children: frozenset[str]
    """Names that objects have for the objects below them."""

    slots: frozenset[str]
    """Names of what an optimizer keeps of each variable, such as ``m``."""

    @property
    def optimizer_generation(self) -> str | None:
        """How the optimizer kept its variables; ``None`` where there was none.

        ``legacy``: in slots, as tf.train and tf.keras.optimizers.legacy do; ``keras-2``: in a list, as Keras does
        from 2.11 on; ``keras-3``: in a list, beside the variables of the model.
        """
        if self.slots:
            return "legacy"
        if "_iterations" not in self.children:
            return None
        return "keras-3" if "_trainable_variables_indices" in self.children else "keras-2"

    @property
    def has_keras(self) -> bool:
        """Whether a Keras model is among them."""
        return any(_KERAS_CHILD.fullmatch(name) for name in self.children)


def _read_objects(checkpoint: _Checkpoint, bundle: TensorBundle, shards: Iterable[str]) -> _Objects | None:
    """The graph of objects; ``None`` for checkpoints that have none, or not the shard with it."""
    tensor = next((tensor for tensor in bundle.tensors if tensor.name == _OBJECT_GRAPH), None)
    if tensor is None:
        return None
    shard = tuple(shards)[tensor.shard]
    if checkpoint.files.get(shard, 0) < tensor.offset + tensor.size:
        return None
    with checkpoint.open(shard) as stream:
        data = read_string(RangeReader(stream), tensor, limit=_LARGEST_GRAPH, where=printable(shard))
    wire = WireReader(data, where=f"object graph in {printable(shard)}")
    children: set[str] = set()
    slots: set[str] = set()
    for node in wire.payloads(wire.root, _GRAPH_NODE):
        children.update(_read_names(wire, node, _NODE_CHILD, _CHILD_NAME))
        slots.update(_read_names(wire, node, _NODE_SLOT, _SLOT_NAME))
    return _Objects(children=frozenset(children), slots=frozenset(slots))


def _read_names(wire: WireReader, node: Span, field: int, name: int) -> Iterator[str]:
    return (wire.string(reference, name) or "" for reference in wire.payloads(node, field))


def _describe_objects(objects: _Objects | None, *, where: str) -> Iterator[Evidence]:
    if objects is None:
        return
    location = f"{printable(where)}: {_OBJECT_GRAPH}"
    if objects.slots:
        yield Evidence(fact="optimizer-slots", value=", ".join(sorted(objects.slots)), location=location)
    if objects.optimizer_generation is not None:
        yield Evidence(fact="optimizer-generation", value=objects.optimizer_generation, location=location)


def _traits(bundle: TensorBundle, objects: _Objects | None) -> frozenset[str]:
    marks = {
        "object-based": any(tensor.name == _OBJECT_GRAPH for tensor in bundle.tensors),
        "name-based": all(tensor.name != _OBJECT_GRAPH for tensor in bundle.tensors),
        "keras-objects": objects is not None and objects.has_keras,
        "single-file": bundle.is_single_file,
        "partitioned": any(tensor.is_partitioned for tensor in bundle.tensors),
        "big-endian": bundle.is_big_endian,
    }
    return frozenset(mark for mark, holds in marks.items() if holds)
