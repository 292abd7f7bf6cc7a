"""Types and shapes of tensors as TensorFlow's messages hold them.

Format: tensorflow/core/framework/types.proto, tensor_shape.proto.
"""

from __future__ import annotations

from envlock.formats.protobuf import VARINT, Span, WireReader

_SHAPE_DIMENSION, _SHAPE_UNKNOWN_RANK = 2, 3  # TensorShapeProto
_DIMENSION_SIZE = 1  # TensorShapeProto.Dim

# fmt: off
DTYPE_NAMES = (
    "float32", "float64", "int32", "uint8", "int16", "int8", "string", "complex64", "int64", "bool",
    "qint8", "quint8", "qint32", "bfloat16", "qint16", "quint16", "uint16", "complex128", "float16",
    "resource", "variant", "uint32", "uint64", "float8_e5m2", "float8_e4m3fn", "float8_e4m3fnuz",
    "float8_e4m3b11fnuz", "float8_e5m2fnuz", "int4", "uint4", "int2", "uint2",
)
# fmt: on
"""DataType from 1 on, under the names that tf.DType gives them."""

_DTYPES = dict(enumerate(DTYPE_NAMES, start=1))
REFERENCE = 100
"""What a DataType is raised by for a reference to a variable of that type."""


def dtype_name(number: int) -> str:
    """TensorFlow's short name of the DataType *number*, with ``_ref`` for a reference; empty where unknown."""
    if number > REFERENCE and number - REFERENCE in _DTYPES:
        return f"{_DTYPES[number - REFERENCE]}_ref"
    return _DTYPES.get(number, "")


def read_shape(wire: WireReader, shape: Span) -> tuple[int | None, ...] | None:
    """The TensorShapeProto *shape*: ``None`` for an unknown rank, and for a dimension of unknown size."""
    if wire.integer(shape, _SHAPE_UNKNOWN_RANK):
        return None
    return tuple(_read_dimension(wire, dimension) for dimension in wire.payloads(shape, _SHAPE_DIMENSION))


def _read_dimension(wire: WireReader, dimension: Span) -> int | None:
    for number, wire_type, payload in wire.fields(dimension):
        if number == _DIMENSION_SIZE and wire_type == VARINT:
            size = wire.signed(payload)
            return size if size >= 0 else None
    return 0
