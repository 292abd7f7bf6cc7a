"""The fields of TensorFlow's messages that envlock reads, for their text form (``.pbtxt``).

Numbers and names: tensorflow/core/framework/graph.proto, node_def.proto, attr_value.proto, function.proto,
tensor_shape.proto, types.proto, versions.proto, core/protobuf/meta_graph.proto, saved_model.proto,
saved_object_graph.proto.
"""

from __future__ import annotations

from collections.abc import Mapping

from envlock.formats.protobuf_text import Field, Schema
from envlock.formats.tensor_types import DTYPE_NAMES, REFERENCE

_TEXT_NAMES = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}
"""Types that the messages call otherwise than tf.DType."""


def _text(number: int) -> Field:
    return Field(number, "text")


def _integer(number: int) -> Field:
    return Field(number, "integer")


def _message(number: int, **fields: Field) -> Field:
    return Field(number, "message", fields)


def _map(number: int, **fields: Field) -> Field:
    return _message(number, key=_text(1), value=_message(2, **fields))


def _passed_over(number: int) -> Field:
    return Field(number, "passed-over")


def _dtype(number: int) -> Field:
    names = {index: f"DT_{_TEXT_NAMES.get(name, name.upper())}" for index, name in enumerate(DTYPE_NAMES, start=1)}
    references = {f"{name}_REF": index + REFERENCE for index, name in names.items()}
    return Field(number, "integer", values={"DT_INVALID": 0, **{v: k for k, v in names.items()}, **references})


def _shape(number: int) -> Field:
    return _message(number, dim=_message(2, size=_integer(1), name=_passed_over(2)), unknown_rank=_integer(3))


def _node(number: int) -> Field:
    name = _text(1)
    functions = _message(1, func=_message(9, name=name))
    attribute = _map(5, list=functions, type=_dtype(6), shape=_shape(7), func=_message(10, name=name))
    return _message(number, name=name, op=_text(2), input=_text(3), attr=attribute)


def _tensor(number: int) -> Field:
    return _map(number, name=_text(1), dtype=_dtype(2), tensor_shape=_shape(3))


def _asset(number: int) -> Field:
    return _message(number, filename=_text(2))


_FUNCTION = _message(1, signature=_message(1, name=_text(1)), node_def=_node(3))

_GRAPH: Schema = {
    "node": _node(1),
    "library": _message(2, function=_FUNCTION),
    "version": _integer(3),
    "versions": _message(4, producer=_integer(1), min_consumer=_integer(2), bad_consumers=_integer(3)),
    "debug_info": _passed_over(5),
}

_META_GRAPH: Schema = {
    "meta_info_def": _message(
        1,
        meta_graph_version=_text(1),
        tags=_text(4),
        tensorflow_version=_text(5),
        tensorflow_git_version=_text(6),
        stripped_default_attrs=_integer(7),
    ),
    "graph_def": _message(2, **_GRAPH),
    "saver_def": _passed_over(3),
    "collection_def": _map(
        4,
        any_list=_message(
            # A message of a known type within an Any stands under the name of its type, and is its value in binary.
            5,
            value=_message(1, **{"[type.googleapis.com/tensorflow.AssetFileDef]": _asset(2)}),
        ),
    ),
    "signature_def": _map(5, inputs=_tensor(1), outputs=_tensor(2)),
    "asset_file_def": _asset(6),
    "object_graph_def": _message(
        7,
        nodes=_message(
            1,
            slot_variables=_message(3, slot_name=_text(2)),
            user_object=_message(4, identifier=_text(1), metadata=_text(3)),
        ),
    ),
}

SCHEMAS: Mapping[str, Schema] = {
    "GraphDef": _GRAPH,
    "MetaGraphDef": _META_GRAPH,
    "SavedModel": {"saved_model_schema_version": _integer(1), "meta_graphs": _message(2, **_META_GRAPH)},
}
