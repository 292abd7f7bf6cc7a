"""TensorFlow Lite models: what converted them, what they compute with, and what goes in and out.

Buffers, which hold the weights, are not read. Format: tensorflow/lite/schema/schema.fbs and conversion_metadata.fbs.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from envlock.artifacts.foreign import describe_folder, listed
from envlock.artifacts.interface import ArtifactSource
from envlock.errors import ArtifactError, DamagedFileError
from envlock.formats.flatbuffer import FlatBuffer, Table, identifier_of
from envlock.formats.ranges import RangeReader
from envlock.formats.text import printable
from envlock.knowledge.operation_effects import effect_of
from envlock.knowledge.tflite_operators import builtin_operator
from envlock.provenance import ArtifactFormat, Code, Evidence, Finding, Operation, Provenance, Signature, TensorSpec

_SUFFIX = ".tflite"
_IDENTIFIER = b"TFL3"
_HEAD_SIZE = 8

# Places of the fields in their tables.
_MODEL_VERSION, _MODEL_OPERATOR_CODES, _MODEL_SUBGRAPHS, _MODEL_DESCRIPTION, _MODEL_BUFFERS = range(5)
_MODEL_METADATA, _MODEL_SIGNATURES = 6, 7
_CODE_OLD_NUMBER, _CODE_CUSTOM, _CODE_VERSION, _CODE_NUMBER = range(4)  # OperatorCode
_SUBGRAPH_TENSORS, _SUBGRAPH_INPUTS, _SUBGRAPH_OUTPUTS, _SUBGRAPH_OPERATORS = range(4)
_OPERATOR_CODE_INDEX = 0
_TENSOR_SHAPE, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_SHAPE_SIGNATURE = 0, 1, 3, 7
_METADATA_NAME, _METADATA_BUFFER = 0, 1
_BUFFER_DATA, _BUFFER_OFFSET, _BUFFER_SIZE = range(3)
_SIGNATURE_INPUTS, _SIGNATURE_OUTPUTS, _SIGNATURE_KEY, _SIGNATURE_SUBGRAPH = 0, 1, 2, 4  # SignatureDef
_MAP_NAME, _MAP_TENSOR = 0, 1  # TensorMap
_CONVERSION_ENVIRONMENT = 0  # ConversionMetadata
_ENVIRONMENT_TENSORFLOW, _ENVIRONMENT_API = 0, 1  # Environment

_CUSTOM = 32
"""The number of all operations that are not built in, which are known by their names."""

_FLEX = "Flex"
"""How the names of operations begin that TensorFlow itself has to run."""

_MIN_RUNTIME, _CONVERSION = "min_runtime_version", "CONVERSION_METADATA"

# TensorType, under the names that tf.DType gives them.
_TENSOR_TYPES = (
    "float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64",
    "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16", "int2", "uint4",
)  # fmt: skip

_MOST_SUBGRAPHS = 10_000
_MOST_OPERATORS = 100_000
_MOST_BUFFERS = 1_000_000
_MOST_ENTRIES = 1_000
_MOST_DIMENSIONS = 100


class TfliteReader:
    """Reads TensorFlow Lite models of every release since 1.4."""

    formats: tuple[ArtifactFormat, ...] = ("tflite",)

    def recognises(self, source: ArtifactSource, head: bytes) -> bool:
        """Whether *head* carries the identifier of the schema, or that of the only file in a folder."""
        return _only_model(source) is not None if source.is_folder else is_tflite(head)

    def read(self, source: ArtifactSource) -> Provenance:
        """Read the model of *source*, a file or the folder around it; the path is that of the file.

        Raises:
            ArtifactError: There is none, or it is damaged, or larger in its structure than any model.
        """
        if source.is_folder:
            model_file = _only_model(source)
            if model_file is None:
                raise describe_folder(source)
            source = model_file
        with source.open() as stream:
            buffer = FlatBuffer(RangeReader(stream), where=printable(source.path.name))
            model = buffer.root()
            operators = _read_operators(buffer, model)
            subgraphs = tuple(model.tables(_MODEL_SUBGRAPHS, limit=_MOST_SUBGRAPHS))
            counts = _count_nodes(buffer, subgraphs, operators)
            return Provenance(
                path=source.path,
                format="tflite",
                content="model",
                size=buffer.size,
                evidence=(*_read_head(model), *_read_metadata(buffer, model), *_describe_operators(counts)),
                operations=_registered_operations(counts),
                signatures=tuple(_read_signatures(buffer, model, subgraphs)),
                inputs=_read_tensors(buffer, subgraphs[0], _SUBGRAPH_INPUTS) if subgraphs else (),
                code=tuple(_find_code(operators)),
                findings=tuple(_check_operators(operators)),
                traits=_traits(operators),
            )


def is_tflite(head: bytes) -> bool:
    """Whether *head*, the first bytes of a file, starts a TensorFlow Lite model."""
    return identifier_of(head) == _IDENTIFIER


def iterate_buffers(buffer: FlatBuffer) -> Iterator[tuple[int, int]]:
    """Where the bytes of each buffer begin, and how many there are; both may lie past the end of the file.

    Raises:
        DamagedFileError: What lists them leads out of the file.
    """
    for item in buffer.root().tables(_MODEL_BUFFERS, limit=_MOST_BUFFERS):
        # In files of over 2 GB the bytes lie behind the flatbuffer, which cannot point there.
        start, size = item.unsigned(_BUFFER_OFFSET, 8), item.unsigned(_BUFFER_SIZE, 8)
        yield (start, size) if start > 1 else item.vector(_BUFFER_DATA, element_size=1)


def _only_model(folder: ArtifactSource) -> ArtifactSource | None:
    """The model in a folder that holds nothing else; ``None`` where there is none, or where there is more."""
    with suppress(ArtifactError, OSError):
        names = folder.names()
        if len(names) == 1 and names[0].endswith(_SUFFIX):
            with folder.open(names[0]) as stream:
                return folder.within(names[0]) if is_tflite(stream.read(_HEAD_SIZE)) else None
    return None


# --- operations ----------------------------------------------------------------------------------------------


class _Operator(NamedTuple):
    """One kind of operation that a model uses."""

    name: str
    """Such as ``ADD``, ``FlexMatrixInverse`` or the name of a custom one."""

    is_custom: bool
    version: int
    """Of what it computes; raised by a release that changes an operation."""

    location: str

    @property
    def tensorflow_name(self) -> str | None:
        """Its name in TensorFlow, where TensorFlow has to run it."""
        return self.name.removeprefix(_FLEX) if self.is_custom and self.name.startswith(_FLEX) else None


def _read_operators(buffer: FlatBuffer, model: Table) -> tuple[_Operator, ...]:
    return tuple(
        _read_operator(buffer, code, location=f"operator_codes[{index}]")
        for index, code in enumerate(model.tables(_MODEL_OPERATOR_CODES, limit=_MOST_ENTRIES))
    )


def _read_operator(buffer: FlatBuffer, code: Table, *, location: str) -> _Operator:
    # Numbers from 128 on do not fit into the old field, which holds 127 for them.
    number = max(code.signed(_CODE_OLD_NUMBER, 1), code.signed(_CODE_NUMBER, 4))
    if number < 0:
        raise DamagedFileError(buffer.where, f"{number} is no number of an operation", offset=code.position)
    is_custom = number == _CUSTOM
    name = code.text(_CODE_CUSTOM) if is_custom else builtin_operator(number)
    version = code.signed(_CODE_VERSION, 4, default=1)
    return _Operator(name=name or f"operation {number}", is_custom=is_custom, version=version, location=location)


def _count_nodes(buffer: FlatBuffer, subgraphs: Sequence[Table], operators: Sequence[_Operator]) -> Counter[_Operator]:
    """How many operations of each kind all graphs of the model hold."""
    counts: Counter[_Operator] = Counter()
    for subgraph in subgraphs:
        for operator in subgraph.tables(_SUBGRAPH_OPERATORS, limit=_MOST_OPERATORS):
            index = operator.unsigned(_OPERATOR_CODE_INDEX, 4)
            if index >= len(operators):
                problem = f"an operation is number {index} of {len(operators)}"
                raise DamagedFileError(buffer.where, problem, offset=operator.position)
            counts[operators[index]] += 1
    return counts


def _registered_operations(counts: Counter[_Operator]) -> tuple[Operation, ...]:
    """The operations that a loader must have registered, those of TensorFlow under the names that it has for them."""
    names: Counter[str] = Counter()
    for operator, count in counts.items():
        if operator.is_custom:
            names[operator.tensorflow_name or operator.name] += count
    return tuple(Operation(name=name, attributes=frozenset(), nodes=names[name]) for name in sorted(names))


def _describe_operators(counts: Counter[_Operator]) -> Iterator[Evidence]:
    for operator, count in counts.items():
        if not operator.is_custom:
            value = f"{operator.name} version {operator.version}, {count} times"
            yield Evidence(fact="built-in-operation", value=value, location=operator.location)


def _find_code(operators: Sequence[_Operator]) -> Iterator[Code]:
    for operator in operators:
        kind = effect_of(operator.tensorflow_name or "")
        if kind is not None:
            yield Code(kind=kind, name=operator.tensorflow_name or "", location=operator.location)


def _check_operators(operators: Sequence[_Operator]) -> Iterator[Finding]:
    flex = [operator.name for operator in operators if operator.tensorflow_name is not None]
    custom = [operator.name for operator in operators if operator.is_custom and operator.tensorflow_name is None]
    if flex:
        yield Finding(
            reference="tensorflow-operations",
            severity="info",
            message=f"the model uses operations that TensorFlow itself runs: {listed(flex)}",
            hint="load it with tf.lite.Interpreter of the whole tensorflow, not of tflite-runtime",
        )
    if custom:
        yield Finding(
            reference="custom-operations",
            severity="warning",
            message=f"the model uses operations that no TensorFlow Lite has built in: {listed(custom)}",
            hint="ask its author for the library that registers them",
        )


def _traits(operators: Sequence[_Operator]) -> frozenset[str]:
    kinds = {operator.tensorflow_name is not None for operator in operators if operator.is_custom}
    return frozenset({True: "flex-operations", False: "custom-operations"}[kind] for kind in kinds)


# --- what wrote it -------------------------------------------------------------------------------------------


def _read_head(model: Table) -> Iterator[Evidence]:
    version = str(model.unsigned(_MODEL_VERSION, 4))
    yield Evidence(fact="tflite-schema-version", value=version, location="version")
    description = model.text(_MODEL_DESCRIPTION)
    if description:
        yield Evidence(fact="description", value=description, location="description")


def _read_metadata(buffer: FlatBuffer, model: Table) -> Iterator[Evidence]:
    readers = {_MIN_RUNTIME: _read_runtime, _CONVERSION: _read_conversion}
    for index, item in enumerate(model.tables(_MODEL_METADATA, limit=_MOST_ENTRIES)):
        name = item.text(_METADATA_NAME)
        if name in readers:
            content = _read_buffer(buffer, model, item.unsigned(_METADATA_BUFFER, 4))
            yield from readers[name](content, f"metadata[{index}] {name}", buffer.where)


def _read_buffer(buffer: FlatBuffer, model: Table, index: int) -> bytes:
    item = model.table_at(_MODEL_BUFFERS, index)
    if item is None:
        raise DamagedFileError(buffer.where, f"there is no buffer {index}", offset=model.position)
    return item.content(_BUFFER_DATA)


def _read_runtime(content: bytes, location: str, where: str) -> Iterator[Evidence]:
    """The oldest release that can run the model, as the converter worked it out; padded with zeros."""
    del where
    version = content.partition(b"\0")[0].decode(errors="surrogateescape")
    if version:
        yield Evidence(fact="min-runtime-version", value=version, location=location)


def _read_conversion(content: bytes, location: str, where: str) -> Iterator[Evidence]:
    """The environment of the converter, in a flatbuffer of its own."""
    metadata = FlatBuffer(RangeReader(io.BytesIO(content)), where=f"{_CONVERSION} of {where}").root()
    environment = metadata.table(_CONVERSION_ENVIRONMENT)
    if environment is None:
        return
    version = environment.text(_ENVIRONMENT_TENSORFLOW)
    if version:
        yield Evidence(fact="tensorflow-version", value=version, location=f"{location}.environment.tensorflow_version")
    api = environment.unsigned(_ENVIRONMENT_API, 4)
    if api:
        yield Evidence(fact="converter-api-version", value=str(api), location=f"{location}.environment.api_version")


# --- what goes in and out ------------------------------------------------------------------------------------


def _read_signatures(buffer: FlatBuffer, model: Table, subgraphs: Sequence[Table]) -> Iterator[Signature]:
    for signature in model.tables(_MODEL_SIGNATURES, limit=_MOST_ENTRIES):
        index = signature.unsigned(_SIGNATURE_SUBGRAPH, 4)
        if index >= len(subgraphs):
            problem = f"a signature is of graph {index} of {len(subgraphs)}"
            raise DamagedFileError(buffer.where, problem, offset=signature.position)
        inputs, outputs = (
            tuple(
                _read_tensor(buffer, subgraphs[index], item.unsigned(_MAP_TENSOR, 4), name=item.text(_MAP_NAME))
                for item in signature.tables(field, limit=_MOST_ENTRIES)
            )
            for field in (_SIGNATURE_INPUTS, _SIGNATURE_OUTPUTS)
        )
        yield Signature(name=signature.text(_SIGNATURE_KEY), inputs=inputs, outputs=outputs)


def _read_tensors(buffer: FlatBuffer, subgraph: Table, field: int) -> tuple[TensorSpec, ...]:
    return tuple(_read_tensor(buffer, subgraph, index) for index in subgraph.numbers(field, limit=_MOST_ENTRIES))


def _read_tensor(buffer: FlatBuffer, subgraph: Table, index: int, *, name: str | None = None) -> TensorSpec:
    """The tensor *index* of *subgraph*, under its own name where the signature gives it none."""
    tensor = subgraph.table_at(_SUBGRAPH_TENSORS, index)
    if tensor is None:
        raise DamagedFileError(buffer.where, f"there is no tensor {index}", offset=subgraph.position)
    number = tensor.unsigned(_TENSOR_TYPE, 1)
    # The signature has -1 for an axis of any length, where the shape has 1.
    shape = tensor.numbers(_TENSOR_SHAPE_SIGNATURE, limit=_MOST_DIMENSIONS) or tensor.numbers(
        _TENSOR_SHAPE, limit=_MOST_DIMENSIONS
    )
    return TensorSpec(
        name=tensor.text(_TENSOR_NAME) if name is None else name,
        dtype=_TENSOR_TYPES[number] if number < len(_TENSOR_TYPES) else "",
        shape=tuple(None if size < 0 else size for size in shape),
    )
