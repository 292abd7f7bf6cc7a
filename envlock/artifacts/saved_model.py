"""SavedModel folders: ``saved_model.pb`` with its variables, assets, Keras metadata and fingerprint.

Takes the folder, or the ``saved_model.pb`` in it, and gives a Provenance. No link is followed. Format:
tensorflow/core/protobuf/saved_model.proto and fingerprint.proto; python/keras/protobuf/saved_metadata.proto.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from envlock.artifacts.foreign import describe_file
from envlock.artifacts.graph import GraphCensus, read_versions
from envlock.artifacts.keras_nodes import KerasPart, read_keras_nodes
from envlock.artifacts.meta_graph import (
    LARGEST_METADATA,
    KerasNode,
    MetaGraph,
    check_metadata_size,
    is_keras_identifier,
    read_meta_graph,
)
from envlock.errors import (
    ArtifactError,
    DamagedFileError,
    LimitExceededError,
    MissingArtifactError,
    NotAModelError,
    UnsupportedFeatureError,
)
from envlock.formats.protobuf import LENGTH_DELIMITED, VARINT, WireReader
from envlock.formats.ranges import RangeReader
from envlock.formats.tensor_bundle import read_tensor_bundle
from envlock.formats.text import printable
from envlock.provenance import ArtifactFormat, Code, Evidence, Finding, Operation, Provenance

_MODEL = "saved_model.pb"
_KERAS_METADATA = "keras_metadata.pb"
_FINGERPRINT = "fingerprint.pb"
_ASSETS = "assets"
_VARIABLES_INDEX = "variables/variables.index"
_OLD_VARIABLES = re.compile(r"variables/variables(-\d{5}-of-\d{5})?")
"""A checkpoint of the first format, which TensorFlow 0.x wrote: one table without an index."""

_PARTS = (_MODEL, _KERAS_METADATA, _FINGERPRINT, "variables", _ASSETS, "assets.extra")
_OTHER_ENCODINGS = {
    "saved_model.pbtxt": "a SavedModel written as text",
    "saved_model.cpb": "a SavedModel written in chunks",
}

_SCHEMA_VERSION, _META_GRAPH = 1, 2  # SavedModel
_FINGERPRINT_VERSION = 6  # FingerprintDef
_METADATA_NODE = 1  # keras: SavedMetadata
_NODE_PATH, _NODE_IDENTIFIER, _NODE_METADATA = 3, 4, 5  # keras: SavedObject
_ROOT_PATH = "root"

# The head of a SavedModel of schema version 1, which is the only one: that version, then a MetaGraphDef, of which the
# first field follows. ONNX models begin alike, but hold text there.
_HEAD = re.compile(rb"\x08\x01\x12[\x80-\xff]{0,4}[\x00-\x7f][\x0a\x12\x1a\x22\x2a\x32\x3a]")

_VARIABLE_OPERATIONS = frozenset({"VarHandleOp", "Variable", "VariableV2"})
# The tags of the two fields that a SavedModel can begin with.
_FIRST_BYTES = (bytes([_SCHEMA_VERSION << 3 | VARINT]), bytes([_META_GRAPH << 3 | LENGTH_DELIMITED]))

_HEAD_SIZE = 4096
_MOST_FILES = 100_000
_DEEPEST_FOLDER = 16
_MOST_GRAPHS = 100
_SHOWN_NAMES = 5


class SavedModelReader:
    """Reads SavedModels of every TensorFlow release."""

    formats: tuple[ArtifactFormat, ...] = ("saved-model",)

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether *path* is a folder that holds a SavedModel in any encoding, or a ``saved_model.pb``."""
        if head or path.name == _MODEL:
            return path.name == _MODEL or _HEAD.match(head) is not None
        return any(os.path.lexists(path / name) for name in (_MODEL, *_OTHER_ENCODINGS))

    def read(self, path: Path) -> Provenance:
        """Read the SavedModel at *path*, a folder or the ``saved_model.pb`` in one.

        The size counts the files that belong to the SavedModel, whatever else the folder holds.

        Raises:
            ArtifactError: There is none, a part of it is damaged, or a link or device stands in place of a file.
        """
        folder = _open_folder(path)
        content = _read_model(folder)
        metadata = tuple(_read_keras_metadata(folder))
        keras = read_keras_nodes(metadata or content.keras_nodes)
        return Provenance(
            path=path,
            format="saved-model",
            content="model",
            size=sum(folder.files.values()),
            evidence=(*content.evidence, *keras.evidence, *_read_fingerprint(folder)),
            objects=keras.objects,
            operations=content.operations,
            signatures=tuple(dict.fromkeys(item for graph in content.graphs for item in graph.signatures)),
            tags=tuple(graph.tags for graph in content.graphs),
            inputs=keras.inputs,
            code=(*content.code, *keras.code, *_escaping_assets(content.graphs)),
            findings=(
                *_check_name(folder),
                *_check_variables(folder, content.operations),
                *_check_assets(folder, content.graphs),
                *_check_keras_metadata(keras, content.keras_nodes),
            ),
            traits=keras.traits | _graph_traits(content.graphs),
        )


def describe_other_folder(folder: Path) -> NotAModelError:
    """Say what is in a folder that holds no SavedModel."""
    names = sorted(entry.name for entry in _scan(folder))
    within = [name for name in names if (folder / name / _MODEL).is_file()]
    if within:
        shown = printable(within[-1])
        return NotAModelError(
            str(folder), found="a folder of SavedModels", hint=f"pass one of the folders in it, such as {shown}"
        )
    return NotAModelError(str(folder), found=f"a folder with {_listed(names)}" if names else "an empty folder")


# --- the folder ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Folder:
    """The files of one SavedModel, none of them reached through a link."""

    path: Path
    model: str
    """Name of the file that holds the graphs."""

    files: dict[str, int]
    """Bytes of each file, by its path from the folder with forward slashes."""

    def open(self, name: str) -> BinaryIO:
        """Open a file of the folder for reading, unless it is no regular file (any more)."""
        # O_NONBLOCK: a FIFO put in place of the file must not make the opening wait for a writer.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(self.path / name, flags)
        except OSError as error:
            raise MissingArtifactError(name, reason=_reason(error)) from error
        stream = os.fdopen(descriptor, "rb")
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            stream.close()
            raise _refuse(name, os.fstat(descriptor).st_mode)
        return stream


def _open_folder(path: Path) -> _Folder:
    if path.is_dir():
        folder = _Folder(path, _MODEL, dict(_list_files(path, _PARTS)))
        if _MODEL not in folder.files:
            raise _no_model(path)
        return folder
    parent = path.parent
    parts = (path.name, *(part for part in _PARTS if part != _MODEL))
    return _Folder(parent, path.name, dict(_list_files(parent, parts)))


def _no_model(path: Path) -> ArtifactError:
    for name, feature in _OTHER_ENCODINGS.items():
        if os.path.lexists(path / name):
            return UnsupportedFeatureError(name, feature)
    return describe_other_folder(path)


def _list_files(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Path and bytes of each file among *names* and in the folders among them."""
    remaining = [PurePosixPath(name) for name in reversed(tuple(names))]
    count = 0
    while remaining:
        name = remaining.pop()
        count += 1
        if count > _MOST_FILES or len(name.parts) > _DEEPEST_FOLDER:
            raise LimitExceededError(printable(str(name)), what="number of files", limit=_MOST_FILES, found=count)
        try:
            status = (folder / name).lstat()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise MissingArtifactError(printable(str(name)), reason=_reason(error)) from error
        if stat.S_ISREG(status.st_mode):
            yield str(name), status.st_size
        elif stat.S_ISDIR(status.st_mode):
            entries = _scan(folder / name)
            remaining += sorted((name / entry.name for entry in entries), reverse=True)
        else:
            raise _refuse(str(name), status.st_mode)


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry, _ in zip(entries, range(_MOST_FILES), strict=False)]
    except OSError as error:
        raise MissingArtifactError(printable(str(folder)), reason=_reason(error)) from error


def _refuse(name: str, mode: int) -> UnsupportedFeatureError:
    kind = "a symbolic link" if stat.S_ISLNK(mode) else "a pipe, socket or device"
    error = UnsupportedFeatureError(printable(name), f"{kind} in a SavedModel")
    error.hint = "copy the folder with its links resolved (cp -rL), if you know where they lead"
    return error


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


# --- saved_model.pb ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    evidence: tuple[Evidence, ...]
    graphs: tuple[MetaGraph, ...]
    operations: tuple[Operation, ...]
    code: tuple[Code, ...]

    @property
    def keras_nodes(self) -> tuple[KerasNode, ...]:
        return tuple(node for graph in self.graphs for node in graph.keras_nodes)


def _read_model(folder: _Folder) -> _Content:
    where = printable(folder.model)
    with folder.open(folder.model) as stream:
        wire = WireReader(RangeReader(stream), where=where)
        _check_structure(wire)
        census = GraphCensus(wire)
        evidence: list[Evidence] = []
        graphs: list[MetaGraph] = []
        for number, _, payload in wire.fields(wire.root):
            if number == _SCHEMA_VERSION:
                location = f"{where}: saved_model_schema_version"
                value = str(wire.signed(payload))
                evidence.append(Evidence(fact="saved-model-schema-version", value=value, location=location))
            else:
                location = f"{where}: meta_graphs[{len(graphs)}]"
                graphs.append(read_meta_graph(wire, payload, census, location=location))
                evidence += graphs[-1].evidence
        return _Content(
            evidence=tuple(evidence), graphs=tuple(graphs), operations=census.operations(), code=census.code()
        )


def _check_structure(wire: WireReader) -> None:
    """Make sure that the file is a SavedModel, before anything in it is taken for one.

    Raises:
        NotAModelError: It is something else.
        DamagedFileError: It is empty, cut short, or a SavedModel without a graph.
    """
    start, end = wire.root
    if start == end:
        raise DamagedFileError(wire.where, "the file is empty")
    if wire.content((start, start + 1)) not in _FIRST_BYTES:
        raise _describe_other_file(wire)
    graphs = 0
    for number, wire_type, payload in wire.fields(wire.root):
        if (number, wire_type) not in {(_SCHEMA_VERSION, VARINT), (_META_GRAPH, LENGTH_DELIMITED)}:
            problem = f"a SavedModel has no field {number} of wire type {wire_type}"
            raise DamagedFileError(wire.where, problem, offset=payload[0])
        graphs += number == _META_GRAPH
        if graphs > _MOST_GRAPHS:
            raise LimitExceededError(wire.where, what="number of graphs", limit=_MOST_GRAPHS, found=graphs)
    if not graphs:
        raise DamagedFileError(wire.where, "a SavedModel without any graph")


def _describe_other_file(wire: WireReader) -> NotAModelError:
    """Say what a file under the name of a SavedModel is, by the fields of its first message if it has one."""
    try:
        first = next(wire.payloads(wire.root, 1), None)
        fields = set() if first is None else {number for number, _, _ in wire.fields(first)}
    except ArtifactError:
        start, end = wire.root
        return describe_file(Path(wire.where), wire.content((start, min(end, _HEAD_SIZE))))
    if fields >= {_NODE_IDENTIFIER, _NODE_METADATA}:
        return NotAModelError(wire.where, found="Keras metadata, which belongs beside a saved_model.pb")
    if fields >= {1, 2}:
        return NotAModelError(wire.where, found="a GraphDef (a frozen graph)")
    return NotAModelError(wire.where, found="a protobuf message of another kind")


def _graph_traits(graphs: Iterable[MetaGraph]) -> frozenset[str]:
    return frozenset() if any(graph.has_object_graph for graph in graphs) else frozenset({"graph-only"})


# --- files beside it -----------------------------------------------------------------------------------------


def _read_keras_metadata(folder: _Folder) -> Iterator[KerasNode]:
    if _KERAS_METADATA not in folder.files:
        return
    check_metadata_size(folder.files[_KERAS_METADATA], _KERAS_METADATA)
    with folder.open(_KERAS_METADATA) as stream:
        wire = WireReader(RangeReader(stream), where=_KERAS_METADATA)
        for node in wire.payloads(wire.root, _METADATA_NODE):
            identifier = wire.string(node, _NODE_IDENTIFIER) or ""
            if not is_keras_identifier(identifier):
                continue
            path = wire.string(node, _NODE_PATH) or ""
            metadata = wire.string(node, _NODE_METADATA, limit=LARGEST_METADATA) or ""
            yield KerasNode(
                identifier=identifier,
                metadata=metadata,
                is_root=path == _ROOT_PATH,
                location=f"{_KERAS_METADATA}: {printable(path)}",
            )


def _read_fingerprint(folder: _Folder) -> tuple[Evidence, ...]:
    """The release marks of the fingerprint; its producer counts as 0 where the file does not say it."""
    if _FINGERPRINT not in folder.files:
        return ()
    with folder.open(_FINGERPRINT) as stream:
        wire = WireReader(RangeReader(stream), where=_FINGERPRINT)
        location = f"{_FINGERPRINT}: version"
        evidence = [
            item
            for versions in wire.payloads(wire.root, _FINGERPRINT_VERSION)
            for item in read_versions(wire, versions, location=location, subject="fingerprint")
        ]
    return tuple(evidence) or (Evidence(fact="fingerprint-producer", value="0", location=location),)


def _check_name(folder: _Folder) -> Iterator[Finding]:
    if folder.model != _MODEL:
        yield Finding(
            reference="wrong-name",
            severity="warning",
            message=f"{printable(folder.model)} is a SavedModel, but TensorFlow looks for it under {_MODEL} only",
            hint=f"rename it to {_MODEL}",
        )


def _check_variables(folder: _Folder, operations: Iterable[Operation]) -> Iterator[Finding]:
    if _VARIABLES_INDEX in folder.files:
        with folder.open(_VARIABLES_INDEX) as stream:
            bundle = read_tensor_bundle(RangeReader(stream), where=_VARIABLES_INDEX)
        yield from _check_shards(folder, bundle.shard_sizes)
        return
    if any(_OLD_VARIABLES.fullmatch(name) for name in folder.files):
        return
    if any(operation.name in _VARIABLE_OPERATIONS for operation in operations):
        yield _missing("missing-variables", [_VARIABLES_INDEX])


def _check_shards(folder: _Folder, sizes: tuple[int, ...]) -> Iterator[Finding]:
    shards = {f"variables/variables.data-{n:05d}-of-{len(sizes):05d}": size for n, size in enumerate(sizes)}
    missing = [name for name in shards if name not in folder.files]
    if missing:
        yield _missing("missing-variables", missing)
    for name, size in shards.items():
        found = folder.files.get(name, size)
        if found < size:
            yield Finding(
                reference="truncated-variables",
                severity="error",
                message=f"{name} has {found} bytes, and its index places tensors up to byte {size}",
                hint="copy or download the file again: its end is missing",
            )


def _check_assets(folder: _Folder, graphs: Iterable[MetaGraph]) -> Iterator[Finding]:
    names = sorted({f"{_ASSETS}/{name}" for graph in graphs for name in graph.assets if not _escapes(name)})
    missing = [name for name in names if name not in folder.files]
    if missing:
        yield _missing("missing-assets", missing)


def _escaping_assets(graphs: Iterable[MetaGraph]) -> tuple[Code, ...]:
    """Assets that a loader would fetch from outside of the folder."""
    names = sorted({name for graph in graphs for name in graph.assets if _escapes(name)})
    return tuple(
        Code(kind="file-operation", name="AssetFileDef", location=f"asset {printable(name)}") for name in names
    )


def _escapes(name: str) -> bool:
    return PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts


def _check_keras_metadata(keras: KerasPart, nodes: Iterable[KerasNode]) -> Iterator[Finding]:
    if "keras-model" not in keras.traits and any(node.is_root and not node.metadata for node in nodes):
        yield Finding(
            reference="no-keras-metadata",
            severity="info",
            message=f"a Keras model was saved here without its configuration: there is no {_KERAS_METADATA}",
            hint="load it with tf.saved_model.load; the Keras loaders refuse it",
        )


def _missing(reference: str, names: list[str]) -> Finding:
    return Finding(
        reference=reference,
        severity="error",
        message=f"the folder lacks {_listed(names)}",
        hint="copy the whole folder again from where the model was saved",
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(printable(name, 60) for name in names[:_SHOWN_NAMES])
    return shown + (f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else "")
