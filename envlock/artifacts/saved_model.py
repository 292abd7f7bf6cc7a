"""SavedModel folders: ``saved_model.pb`` with its variables, assets, Keras metadata and fingerprint.

Takes the folder, or the ``saved_model.pb`` or ``.pbtxt`` in it, and gives a Provenance. No link is followed. Format:
tensorflow/core/protobuf/saved_model.proto and fingerprint.proto; python/keras/protobuf/saved_metadata.proto.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from envlock.artifacts.foreign import describe_file, describe_folder, listed
from envlock.artifacts.graph import GraphCensus, read_versions
from envlock.artifacts.hub_module import HUB_MODULE, read_hub_module
from envlock.artifacts.interface import ArtifactSource
from envlock.artifacts.keras_nodes import KerasPart, read_keras_nodes
from envlock.artifacts.message_kinds import describe_message, message_kind, wire_form
from envlock.artifacts.meta_graph import (
    LARGEST_METADATA,
    KerasNode,
    MetaGraph,
    check_metadata_size,
    is_keras_identifier,
    read_meta_graph,
)
from envlock.artifacts.shards import find_truncated
from envlock.errors import (
    ArtifactError,
    DamagedFileError,
    LimitExceededError,
    NotAModelError,
    UnsupportedFeatureError,
)
from envlock.formats.protobuf import LENGTH_DELIMITED, VARINT, WireReader
from envlock.formats.ranges import RangeReader
from envlock.formats.tensor_bundle import read_tensor_bundle
from envlock.formats.text import printable
from envlock.provenance import ArtifactFormat, Code, Evidence, Finding, Operation, Provenance

_MODEL = "saved_model.pb"
_MODEL_TEXT = "saved_model.pbtxt"
SAVED_MODEL_NAMES = (_MODEL, _MODEL_TEXT)
"""Names that TensorFlow looks for, in its order."""

_CHUNKS = "saved_model.cpb"
_CHUNKS_SIGNATURE = bytes.fromhex("83af70d10d884a3f0000000000000000")
"""How a file of Riegeli records begins: google/riegeli, doc/riegeli_records_file_format.md."""

_TFLITE_SUFFIX = ".tflite"
_KERAS_METADATA = "keras_metadata.pb"
_FINGERPRINT = "fingerprint.pb"
_ASSETS = "assets"
_VARIABLES_INDEX = "variables/variables.index"
_OLD_VARIABLES = re.compile(r"variables/variables(-\d{5}-of-\d{5})?")
"""A checkpoint of the first format, which TensorFlow 0.x wrote: one table without an index."""

SAVED_MODEL_PARTS = (_KERAS_METADATA, _FINGERPRINT, HUB_MODULE, "variables", _ASSETS, "assets.extra")
"""What belongs to a SavedModel beside its graphs."""

_SCHEMA_VERSION, _META_GRAPH = 1, 2  # SavedModel
_FINGERPRINT_VERSION = 6  # FingerprintDef
_METADATA_NODE = 1  # keras: SavedMetadata
_NODE_PATH, _NODE_IDENTIFIER, _NODE_METADATA = 3, 4, 5  # keras: SavedObject
_ROOT_PATH = "root"

_VARIABLE_OPERATIONS = frozenset({"VarHandleOp", "Variable", "VariableV2"})
# The tags of the two fields that a SavedModel can begin with.
_FIRST_BYTES = (bytes([_SCHEMA_VERSION << 3 | VARINT]), bytes([_META_GRAPH << 3 | LENGTH_DELIMITED]))

_HEAD_SIZE = 4096
_MOST_GRAPHS = 100


class SavedModelReader:
    """Reads SavedModels of every TensorFlow release."""

    formats: tuple[ArtifactFormat, ...] = ("saved-model",)

    def recognises(self, source: ArtifactSource, head: bytes) -> bool:
        """Whether *source* is a folder that holds a SavedModel in any encoding, or the file of its graphs."""
        if source.is_folder:
            return not {*SAVED_MODEL_NAMES, _CHUNKS}.isdisjoint(source.names())
        kind = message_kind(head)
        is_model = kind is not None and kind.name == "SavedModel"
        return is_model or source.path.name == _MODEL or head.startswith(_CHUNKS_SIGNATURE)

    def read(self, source: ArtifactSource) -> Provenance:
        """Read the SavedModel of *source*, a folder or the file of its graphs.

        The size counts the files that belong to the SavedModel, whatever else the folder holds. The path is that of
        the folder, which loaders need, wherever the file of the graphs has a name that they look for.

        Raises:
            ArtifactError: There is none, a part of it is damaged, or a link or device stands in place of a file.
        """
        folder = _open_folder(source)
        content = _read_model(folder)
        metadata = tuple(_read_keras_metadata(folder))
        keras = read_keras_nodes(metadata or content.keras_nodes)
        return Provenance(
            path=folder.path,
            format="saved-model",
            content="model",
            size=sum(folder.files.values()),
            evidence=(*content.evidence, *keras.evidence, *_read_fingerprint(folder), *_read_hub_module(folder)),
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
                *_find_tflite(folder),
            ),
            traits=keras.traits | _graph_traits(content.graphs) | _hub_traits(folder),
        )


# --- the folder ----------------------------------------------------------------------------------------------


class _Folder(NamedTuple):
    """The files of one SavedModel, none of them reached through a link."""

    path: Path
    """What to call the SavedModel, for a person and for loaders."""

    source: ArtifactSource
    """The folder, or the file that holds the graphs where nothing is known of what stands beside it."""

    model: str
    """Name of the file that holds the graphs."""

    files: Mapping[str, int]
    """Bytes of each file, by its path from the folder with forward slashes."""

    beside: tuple[str, ...] = ()
    """Names of all that stands in the folder, whether it belongs to the SavedModel or not."""

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a file of the folder for reading, unless it is no regular file (any more)."""
        return self.source.open(name if self.source.is_folder else "")


def _open_folder(source: ArtifactSource) -> _Folder:
    if source.is_folder:
        names = source.names()
        model = next((name for name in SAVED_MODEL_NAMES if name in names), None)
        if model is None:
            raise _chunks(_CHUNKS) if _CHUNKS in names else describe_folder(source)
        return _Folder(source.path, source, model, source.files(model, *SAVED_MODEL_PARTS), names)
    name, around = source.path.name, source.beside()
    if around is None:
        return _Folder(source.path, source, name, {})
    path = around.path if name in SAVED_MODEL_NAMES else source.path
    return _Folder(path, around, name, around.files(name, *SAVED_MODEL_PARTS), around.names())


def _chunks(name: str) -> UnsupportedFeatureError:
    error = UnsupportedFeatureError(printable(name), "a SavedModel written in chunks")
    error.hint = (
        "save it again without experimental_image_format, with the build of TensorFlow that wrote it: "
        "published packages read no chunks either"
    )
    return error


# --- saved_model.pb ------------------------------------------------------------------------------------------


class _Content(NamedTuple):
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
        form = wire_form(RangeReader(stream), message="SavedModel", where=where)
        wire = WireReader(form, where=where)
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


def _describe_other_file(wire: WireReader) -> ArtifactError:
    """Say what a file is that was taken for a SavedModel."""
    start, end = wire.root
    head = wire.content((start, min(end, _HEAD_SIZE)))
    if head.startswith(_CHUNKS_SIGNATURE):
        return _chunks(wire.where)
    kind = message_kind(head)
    if kind is None:
        return describe_file(Path(wire.where), head)
    found, hint = describe_message(kind)
    return NotAModelError(wire.where, found=found, hint=hint)


def _graph_traits(graphs: Iterable[MetaGraph]) -> frozenset[str]:
    marks = {
        "graph-only": not any(graph.has_object_graph for graph in graphs),
        "optimizer-slots": any(graph.has_slots for graph in graphs),
    }
    return frozenset(mark for mark, holds in marks.items() if holds)


def _hub_traits(folder: _Folder) -> frozenset[str]:
    return frozenset({"hub-module"} if HUB_MODULE in folder.files else ())


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


def _read_hub_module(folder: _Folder) -> tuple[Evidence, ...]:
    if HUB_MODULE not in folder.files:
        return ()
    with folder.open(HUB_MODULE) as stream:
        return tuple(read_hub_module(WireReader(RangeReader(stream), where=HUB_MODULE)))


def _check_name(folder: _Folder) -> Iterator[Finding]:
    if folder.model not in SAVED_MODEL_NAMES:
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
    yield from find_truncated(folder.files, shards, reference="truncated-variables")


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


def _find_tflite(folder: _Folder) -> Iterator[Finding]:
    names = [name for name in folder.beside if name.endswith(_TFLITE_SUFFIX)]
    if names:
        yield Finding(
            reference="tflite-inside",
            severity="info",
            message=f"the folder holds a TensorFlow Lite model too: {listed(names)}",
            hint="pass that file to inspect it",
        )


def _missing(reference: str, names: list[str]) -> Finding:
    return Finding(
        reference=reference,
        severity="error",
        message=f"the folder lacks {listed(names)}",
        hint="copy the whole folder again from where the model was saved",
    )
