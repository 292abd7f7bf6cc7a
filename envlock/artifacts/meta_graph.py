"""MetaGraphDef messages, from their spans to evidence, signatures, assets and the Keras objects they hold.

Format: tensorflow/core/protobuf/meta_graph.proto, saved_object_graph.proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from envlock.artifacts.graph import GraphCensus
from envlock.errors import DamagedFileError, LimitExceededError
from envlock.formats.protobuf import LENGTH_DELIMITED, VARINT, Span, WireReader
from envlock.formats.tensor_types import dtype_name, read_shape
from envlock.provenance import Evidence, Signature, TensorSpec

# MetaGraphDef
_META_INFO, _META_GRAPH, _META_COLLECTION, _META_SIGNATURE, _META_ASSET, _META_OBJECT_GRAPH = 1, 2, 4, 5, 6, 7
_KNOWN_FIELDS = frozenset(range(1, 8))
_INFO_TAG, _INFO_VERSION, _INFO_GIT_VERSION, _INFO_STRIPPED = 4, 5, 6, 7  # MetaGraphDef.MetaInfoDef
_INFO_TEXTS = {
    _INFO_VERSION: ("tensorflow-version", "tensorflow_version"),
    _INFO_GIT_VERSION: ("git-version", "tensorflow_git_version"),
}
_SIGNATURE_INPUT, _SIGNATURE_OUTPUT = 1, 2  # SignatureDef
_ENTRY_KEY, _ENTRY_VALUE = 1, 2  # any map entry
_TENSOR_DTYPE, _TENSOR_SHAPE = 2, 3  # TensorInfo
_ASSET_FILENAME = 2  # AssetFileDef
_COLLECTION_ANY_LIST = 5  # CollectionDef
_ANY_LIST_VALUE = 1  # CollectionDef.AnyList
_ANY_VALUE = 2  # google.protobuf.Any
_OBJECTS_NODE = 1  # SavedObjectGraph
_OBJECT_SLOT, _OBJECT_USER_OBJECT = 3, 4  # SavedObject
_USER_OBJECT_IDENTIFIER, _USER_OBJECT_METADATA = 1, 3  # SavedUserObject

_INITIALISER = "__saved_model_init_op"
"""A signature that loaders run once for themselves."""

_ASSETS_COLLECTION = "saved_model_assets"
"""Where TensorFlow 1.x keeps the AssetFileDef messages, which have a field of their own later."""

_MOST_ENTRIES = 20_000
LARGEST_METADATA = 32 * 1024 * 1024


class KerasNode(NamedTuple):
    """A Keras object that a SavedModel can bring back: its kind, and its configuration as JSON text."""

    identifier: str
    """Such as ``_tf_keras_sequential``; names the class of loader."""

    metadata: str
    """JSON; empty where the saver kept none here."""

    is_root: bool
    location: str


class MetaGraph(NamedTuple):
    """One graph of a SavedModel, with what is said about it."""

    evidence: tuple[Evidence, ...]
    tags: frozenset[str]
    signatures: tuple[Signature, ...]
    """Sorted by name, as are their inputs and outputs: the file stores them in any order."""

    assets: tuple[str, ...]
    """Names of files in the folder of assets."""

    has_object_graph: bool
    has_slots: bool
    """Whether an optimizer keeps variables beside those of the model, as it does from its first step on."""

    keras_nodes: tuple[KerasNode, ...]


def read_meta_graph(wire: WireReader, meta_graph: Span, census: GraphCensus, *, location: str) -> MetaGraph:
    """Read the MetaGraphDef *meta_graph*, and count the operations of its graph in *census*.

    *location* names the message in evidence.

    Raises:
        ArtifactError: It is damaged, or larger than any model needs.
    """
    evidence: list[Evidence] = []
    tags: set[str] = set()
    signatures: list[Signature] = []
    assets: list[str] = []
    keras_nodes: list[KerasNode] = []
    has_object_graph = has_slots = False
    for number, wire_type, payload in wire.fields(meta_graph):
        if number not in _KNOWN_FIELDS or wire_type != LENGTH_DELIMITED:
            problem = f"a MetaGraphDef has no field {number} of wire type {wire_type}"
            raise DamagedFileError(wire.where, problem, offset=payload[0])
        if number == _META_INFO:
            evidence += _read_info(wire, payload, location=f"{location}.meta_info_def")
            tags.update(wire.text(tag) for tag in wire.payloads(payload, _INFO_TAG))
        elif number == _META_GRAPH:
            evidence += census.add_graph(payload, location=f"{location}.graph_def")
        elif number == _META_SIGNATURE:
            signatures += _read_signature(wire, payload)
        elif number == _META_ASSET:
            assets.append(wire.string(payload, _ASSET_FILENAME) or "")
        elif number == _META_COLLECTION:
            assets += _read_asset_collection(wire, payload)
        elif number == _META_OBJECT_GRAPH:
            has_object_graph = True
            keras_nodes += _read_keras_nodes(wire, payload, location=f"{location}.object_graph_def")
            has_slots = has_slots or _has_slots(wire, payload)
        found = len(evidence) + len(signatures) + len(assets)
        if found > _MOST_ENTRIES:
            what = "number of versions, signatures and assets"
            raise LimitExceededError(wire.where, what=what, limit=_MOST_ENTRIES, found=found)
    return MetaGraph(
        evidence=tuple(evidence),
        tags=frozenset(tags),
        signatures=tuple(sorted(signatures, key=lambda signature: signature.name)),
        assets=tuple(assets),
        has_object_graph=has_object_graph,
        has_slots=has_slots,
        keras_nodes=tuple(keras_nodes),
    )


def _read_info(wire: WireReader, info: Span, *, location: str) -> Iterator[Evidence]:
    last = {number: (wire_type, payload) for number, wire_type, payload in wire.fields(info)}
    for number, (wire_type, payload) in last.items():
        if number in _INFO_TEXTS and wire_type == LENGTH_DELIMITED:
            fact, name = _INFO_TEXTS[number]
            yield Evidence(fact=fact, value=wire.text(payload), location=f"{location}.{name}")
        elif number == _INFO_STRIPPED and wire_type == VARINT and wire.varint(payload):
            yield Evidence(
                fact="stripped-default-attributes", value="true", location=f"{location}.stripped_default_attrs"
            )


def _read_asset_collection(wire: WireReader, collection: Span) -> Iterator[str]:
    if wire.string(collection, _ENTRY_KEY) != _ASSETS_COLLECTION:
        return
    spans: Iterable[Span] = [collection]
    for number in (_ENTRY_VALUE, _COLLECTION_ANY_LIST, _ANY_LIST_VALUE, _ANY_VALUE):
        spans = [payload for span in spans for payload in wire.payloads(span, number)]
    for asset in spans:
        yield wire.string(asset, _ASSET_FILENAME) or ""


# --- signatures ----------------------------------------------------------------------------------------------


def _read_signature(wire: WireReader, entry: Span) -> Iterator[Signature]:
    name = wire.string(entry, _ENTRY_KEY) or ""
    if name == _INITIALISER:
        return
    inputs, outputs = [], []
    for value in wire.payloads(entry, _ENTRY_VALUE):
        inputs += _read_tensors(wire, value, _SIGNATURE_INPUT)
        outputs += _read_tensors(wire, value, _SIGNATURE_OUTPUT)
    yield Signature(name=name, inputs=tuple(inputs), outputs=tuple(outputs))


def _read_tensors(wire: WireReader, signature: Span, number: int) -> list[TensorSpec]:
    specs = [
        _read_tensor(wire, entry, name=wire.string(entry, _ENTRY_KEY) or "")
        for entry in wire.payloads(signature, number)
    ]
    return sorted(specs, key=lambda spec: spec.name)


def _read_tensor(wire: WireReader, entry: Span, *, name: str) -> TensorSpec:
    dtype = 0
    shape: tuple[int | None, ...] | None = None
    for value in wire.payloads(entry, _ENTRY_VALUE):
        dtype = wire.integer(value, _TENSOR_DTYPE) or 0
        for payload in wire.payloads(value, _TENSOR_SHAPE):
            shape = read_shape(wire, payload)
    return TensorSpec(name=name, dtype=dtype_name(dtype), shape=shape)


# --- object graph --------------------------------------------------------------------------------------------


def _read_keras_nodes(wire: WireReader, objects: Span, *, location: str) -> Iterator[KerasNode]:
    """The Keras objects of a SavedObjectGraph; its first node is the root, which is what was saved."""
    size = 0
    for index, node in enumerate(wire.payloads(objects, _OBJECTS_NODE)):
        for user_object in wire.payloads(node, _OBJECT_USER_OBJECT):
            identifier = wire.string(user_object, _USER_OBJECT_IDENTIFIER) or ""
            if not is_keras_identifier(identifier):
                continue
            metadata = wire.string(user_object, _USER_OBJECT_METADATA, limit=LARGEST_METADATA) or ""
            size += len(metadata)
            check_metadata_size(size, wire.where)
            yield KerasNode(
                identifier=identifier,
                metadata=metadata,
                is_root=index == 0,
                location=f"{location}.nodes[{index}]",
            )


def _has_slots(wire: WireReader, objects: Span) -> bool:
    nodes = wire.payloads(objects, _OBJECTS_NODE)
    return any(True for node in nodes for _ in wire.payloads(node, _OBJECT_SLOT))


def is_keras_identifier(identifier: str) -> bool:
    """Whether the object is one that tf.keras saved."""
    return identifier.startswith("_tf_keras_")


def check_metadata_size(size: int, where: str) -> None:
    """Refuse Keras metadata of more bytes than any model has.

    Raises:
        LimitExceededError: *size* is larger.
    """
    if size > LARGEST_METADATA:
        raise LimitExceededError(where, what="size of Keras metadata in bytes", limit=LARGEST_METADATA, found=size)
