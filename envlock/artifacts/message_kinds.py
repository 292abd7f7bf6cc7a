"""Which message a protobuf file holds, binary or as text, from its first bytes: the format itself names none.

Binary messages are told apart by the first field and by what its payload begins with. Format: the ``.proto`` files
of tensorflow/core (graph, node_def, function, meta_graph, saved_model, fingerprint), onnx/onnx.proto,
tensorflow_hub/module_def.proto, python/keras/protobuf/saved_metadata.proto, coremltools mlmodel/format/Model.proto.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Literal, NamedTuple

from envlock.errors import ArtifactError, NotAModelError
from envlock.formats.protobuf import LENGTH_DELIMITED, VARINT, WireReader, read_varint
from envlock.formats.ranges import RangeReader

_HEAD_SIZE = 4096

MessageName = Literal[
    "GraphDef",
    "MetaGraphDef",
    "SavedModel",
    "FingerprintDef",
    "Keras SavedMetadata",
    "TF Hub ModuleDef",
    "ONNX ModelProto",
    "Core ML Model",
    "CheckpointState",
    "StringIntLabelMap",
    "object detection pipeline",
    "model server configuration",
]


class MessageKind(NamedTuple):
    """What a protobuf file holds."""

    name: MessageName
    is_text: bool


_TAG_OF_FIRST, _TAG_OF_SECOND, _TAG_OF_VERSION = 0x0A, 0x12, 0x08  # fields 1 and 2 with a length, field 1 as varint
_HUB_MODULE = re.compile(rb"\x08[\x00-\x7f]")

_NODE_NAME, _NODE_OPERATION = 1, 2  # NodeDef
_INFO_OPERATIONS, _INFO_TAG, _INFO_VERSION, _INFO_GIT_VERSION = 2, 4, 5, 6  # MetaGraphDef.MetaInfoDef
_OBJECT_ID, _OBJECT_IDENTIFIER = 2, 4  # keras: SavedObject
_SIGNATURE_NAME = 1  # OpDef
_FINGERPRINT_HASHES = frozenset({1, 2, 3, 4})  # FingerprintDef
_MODEL_VERSION, _MODEL_GRAPHS = 1, 2  # SavedModel
_ONLY_VERSION = b"\x01"
_FIRST_OF_META_GRAPH = tuple(bytes([number << 3 | LENGTH_DELIMITED]) for number in range(1, 8))  # MetaGraphDef
_ONNX_PRODUCER, _ONNX_DOMAIN = 2, 4  # ModelProto
_FEATURE_NAME, _FEATURE_SUMMARY, _FEATURE_TYPE = 1, 2, 3  # Core ML: FeatureDescription

_OPERATION = re.compile(rb"[A-Za-z0-9_.][A-Za-z0-9_.\\/>-]*")  # node_def.proto
_TEXT = re.compile(rb"[\x20-\x7e\x80-\xff]+")
_VERSION = re.compile(rb"[0-9]+\.[0-9]+[\w.+-]*|unknown|b'.*|v[0-9].*")
_TAG_OF_PART = b"\x0a"
"""How a message begins whose first field is a message: an OpList, a graph, a library, a function."""

# Two patterns: one would try every way to part a run of blanks, where no field follows it.
_TEXT_BLANK = re.compile(rb"(?:\s+|#[^\n]*){0,100}")
_TEXT_FIELD = re.compile(rb"([A-Za-z_]\w*)\s*(?:(:)|[{<])")
_TEXT_MESSAGES: Mapping[tuple[bytes, bool], MessageName] = {
    (b"node", False): "GraphDef",
    (b"library", False): "GraphDef",
    (b"meta_info_def", False): "MetaGraphDef",
    (b"graph_def", False): "MetaGraphDef",
    (b"saved_model_schema_version", True): "SavedModel",
    (b"meta_graphs", False): "SavedModel",
    (b"model_checkpoint_path", True): "CheckpointState",
    (b"item", False): "StringIntLabelMap",
    (b"model", False): "object detection pipeline",
    (b"platform", True): "model server configuration",
    (b"model_config_list", False): "model server configuration",
}
"""Names of the first field, with whether a colon follows, that no other message begins with."""

_BESIDE = "pass the folder that it stands in"
_MISNAMED = "give it back the name that it was saved under"
_DESCRIPTIONS: Mapping[MessageName, tuple[str, str]] = {
    "GraphDef": ("a GraphDef (a frozen graph)", _MISNAMED),
    "MetaGraphDef": ("a MetaGraphDef (the .meta file of a checkpoint)", _MISNAMED),
    "SavedModel": ("a SavedModel", _MISNAMED),
    "FingerprintDef": ("the fingerprint of a SavedModel, which belongs beside a saved_model.pb", _BESIDE),
    "Keras SavedMetadata": ("Keras metadata, which belongs beside a saved_model.pb", _BESIDE),
    "TF Hub ModuleDef": ("the mark of a TF Hub module, which belongs beside a saved_model.pb", _BESIDE),
    "ONNX ModelProto": ("an ONNX model", "load it with the framework that wrote it, or ask for what it was made from"),
    "Core ML Model": ("a Core ML model", "ask for the model that it was converted from"),
    "CheckpointState": ("the list of a folder's checkpoints", "pass one of the checkpoints, or their folder"),
    "StringIntLabelMap": ("a label map, which names the classes of a model", "pass the model that it belongs to"),
    "object detection pipeline": ("the settings of a training run", "pass the model that was trained with them"),
    "model server configuration": ("the settings of a model server", "pass a model that it names"),
}


def message_kind(head: bytes) -> MessageKind | None:
    """Say what the protobuf file is that begins with *head*; ``None`` where nothing tells. Never raises."""
    name = _text_message(head)
    if name is not None:
        return MessageKind(name, is_text=True)
    name = _binary_message(head)
    return None if name is None else MessageKind(name, is_text=False)


def describe_message(kind: MessageKind) -> tuple[str, str]:
    """What a file of that kind is, and what to do about it where that kind is not wanted."""
    return _DESCRIPTIONS[kind.name]


def wire_form(reader: RangeReader, *, message: MessageName, where: str) -> RangeReader:
    """The wire form of a file that holds a *message*, in binary or as text.

    A binary file is taken as it is: its fields are for the caller to check.

    Raises:
        NotAModelError: It is a text of another message.
        ArtifactError: It is a damaged text, or one larger than any graph.
    """
    kind = message_kind(reader.read(0, min(reader.size, _HEAD_SIZE), where=where))
    if kind is None or not kind.is_text:
        return reader
    if kind.name != message:
        found, hint = describe_message(kind)
        raise NotAModelError(where, found=found, hint=hint)
    # Few files are text, and the others should not wait for what reads it.
    from envlock.artifacts.text_messages import SCHEMAS
    from envlock.formats.protobuf_text import encode_text

    text = reader.read(0, reader.size, where=where)
    return RangeReader(BytesIO(encode_text(text, SCHEMAS[message], message=message, where=where)))


def _text_message(head: bytes) -> MessageName | None:
    blank = _TEXT_BLANK.match(head)
    match = _TEXT_FIELD.match(head, blank.end() if blank else 0)
    return None if match is None else _TEXT_MESSAGES.get((match[1], match[2] is not None))


def _binary_message(head: bytes) -> MessageName | None:
    if _HUB_MODULE.fullmatch(head):
        return "TF Hub ModuleDef"
    if not head:
        return None
    if head[0] == _TAG_OF_VERSION:
        return _versioned_message(head)
    if head[0] == _TAG_OF_FIRST:
        return _message_of_parts(_first_payload(head))
    if head[0] == _TAG_OF_SECOND:
        return _message_without_first(_first_payload(head))
    return None


def _versioned_message(head: bytes) -> MessageName | None:
    """A message whose first field is a number."""
    fields = _leading_fields(head)
    numbers = {number for number, wire_type in fields if wire_type == VARINT}
    texts = [fields.get((number, LENGTH_DELIMITED)) for number in (_ONNX_PRODUCER, _ONNX_DOMAIN)]
    if any(text and _TEXT.fullmatch(text) for text in texts):
        return "ONNX ModelProto"
    graph = fields.get((_MODEL_GRAPHS, LENGTH_DELIMITED), b"")
    if graph.startswith(_FIRST_OF_META_GRAPH):
        # A Core ML model begins alike, most often with a higher version.
        is_first_version = fields.get((_MODEL_VERSION, VARINT)) == _ONLY_VERSION
        return "SavedModel" if is_first_version and not _is_feature_list(graph) else "Core ML Model"
    return "FingerprintDef" if len(numbers & _FINGERPRINT_HASHES) > 1 else None


def _is_feature_list(description: bytes) -> bool:
    """Whether a message begins as the inputs of a Core ML model do, rather than with a MetaInfoDef."""
    numbers = {number for number, _ in _leading_fields(_first_payload(description))}
    return {_FEATURE_NAME, _FEATURE_TYPE} <= numbers <= {_FEATURE_NAME, _FEATURE_SUMMARY, _FEATURE_TYPE}


def _message_of_parts(part: bytes) -> MessageName | None:
    """A message whose first field is the message *part*, which may be cut short."""
    fields = _leading_fields(part)
    texts = {number: payload for (number, wire_type), payload in fields.items() if wire_type == LENGTH_DELIMITED}
    if texts.get(_OBJECT_IDENTIFIER, b"").startswith(b"_tf_keras_"):
        return "Keras SavedMetadata"
    name, operation = texts.get(_NODE_NAME), texts.get(_NODE_OPERATION, b"")
    if _OPERATION.fullmatch(operation) and (not name or _TEXT.fullmatch(name)):
        return "GraphDef"
    operations = texts.get(_INFO_OPERATIONS, b"")
    versions = (texts.get(number, b"") for number in (_INFO_VERSION, _INFO_GIT_VERSION))
    if operations.startswith(_TAG_OF_PART) or any(map(_VERSION.fullmatch, versions)):
        return "MetaGraphDef"
    return None


def _message_without_first(part: bytes) -> MessageName | None:
    """A message that begins with its second field: a graph of functions alone, or a MetaGraphDef of a graph alone."""
    if not part.startswith(_TAG_OF_PART):
        return None
    first = _first_payload(part)
    if _message_of_parts(first) == "GraphDef":
        return "MetaGraphDef"
    if not first.startswith(_TAG_OF_PART):
        return None
    signature = _leading_fields(_first_payload(first))
    return "GraphDef" if _TEXT.fullmatch(signature.get((_SIGNATURE_NAME, LENGTH_DELIMITED), b"")) else None


def _first_payload(data: bytes) -> bytes:
    """The payload of the first field, which has a length; cut short where *data* is."""
    try:
        length, start = read_varint(data, 1, where="", origin=0)
    except ArtifactError:
        return b""
    return data[start : start + length]


def _leading_fields(data: bytes) -> dict[tuple[int, int], bytes]:
    """The first payload of each field by number and wire type; a field that is cut short counts as far as it goes."""
    wire = WireReader(data, where="")
    fields: dict[tuple[int, int], bytes] = {}
    end = 0
    try:
        for number, wire_type, (start, end) in wire.fields(wire.root):
            fields.setdefault((number, wire_type), data[start:end])
    except ArtifactError:
        rest = data[end:]
        if rest and rest[0] & 7 == LENGTH_DELIMITED:
            fields.setdefault((rest[0] >> 3, LENGTH_DELIMITED), _first_payload(rest))
    return fields
