"""Where a graph begins and ends: its placeholders, and the nodes whose results no other node takes.

Format: tensorflow/core/framework/graph.proto, node_def.proto, attr_value.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from envlock.errors import LimitExceededError
from envlock.formats.protobuf import LENGTH_DELIMITED, Span, WireReader
from envlock.formats.tensor_types import dtype_name, read_shape
from envlock.formats.text import printable
from envlock.provenance import Evidence, TensorSpec

_GRAPH_NODE, _GRAPH_VERSIONS = 1, 4  # GraphDef
_NODE_NAME, _NODE_OPERATION, _NODE_INPUT, _NODE_ATTRIBUTE = 1, 2, 3, 5  # NodeDef
_ENTRY_KEY, _ENTRY_VALUE = 1, 2  # any map entry
_VALUE_TYPE, _VALUE_SHAPE = 6, 7  # AttrValue
_VERSIONS_PRODUCER = 1  # VersionDef

_PLACEHOLDERS = frozenset({b"Placeholder", b"PlaceholderV2", b"PlaceholderWithDefault"})
_LEGACY_PLACEHOLDER = b"Placeholder"
_LAST_LEGACY_PRODUCER = 21
"""Up to it an empty shape of a Placeholder means an unknown one: core/ops/array_ops.cc."""

_WITHOUT_RESULT = frozenset({b"NoOp", b"Assert"})
_VARIABLES = frozenset({b"Variable", b"VariableV2", b"VarHandleOp"})

_LONGEST_NAME = 4096
_LARGEST_NAMES = 64 * 1024 * 1024
_NAME_OVERHEAD = 100
_MOST_PLACEHOLDERS = 10_000
_MOST_OUTPUTS = 50
"""Listed at most; a frozen graph has a few, and a graph that was never cut to its model has any number."""


class GraphEndpoints(NamedTuple):
    """The ends of one graph."""

    inputs: tuple[TensorSpec, ...]
    """Placeholders, those with a default included, in the order of the file."""

    outputs: tuple[str, ...]
    """Names of the nodes that no other node reads, in the order of the file; the first 50."""

    variables: int
    """Nodes that hold a variable, whose value is not in the graph."""

    def evidence(self, *, location: str) -> tuple[Evidence, ...]:
        """The outputs, as ``graph-output``."""
        return tuple(
            Evidence(fact="graph-output", value=name, location=f"{location}, node {printable(name)}")
            for name in self.outputs
        )


def read_endpoints(wire: WireReader, graph: Span) -> GraphEndpoints:
    """Find the ends of the GraphDef *graph*; the functions of its library have none of their own.

    Raises:
        ArtifactError: It is damaged, or larger than any model needs.
    """
    walk = _Walk(wire)
    for number, wire_type, payload in wire.fields(graph):
        if wire_type != LENGTH_DELIMITED:
            continue
        if number == _GRAPH_NODE:
            walk.visit(payload)
        elif number == _GRAPH_VERSIONS:
            walk.producer = wire.integer(payload, _VERSIONS_PRODUCER) or 0
    return GraphEndpoints(inputs=tuple(walk.inputs()), outputs=tuple(walk.outputs()), variables=walk.variables)


class _Walk:
    def __init__(self, wire: WireReader) -> None:
        self.wire = wire
        self.producer = 0
        self.variables = 0
        self.placeholders: list[tuple[bytes, TensorSpec]] = []
        self.nodes: dict[bytes, bytes] = {}
        """Operation by the name of the node, in the order of the file."""
        self.read_names: set[bytes] = set()
        self.names_size = 0

    def visit(self, node: Span) -> None:
        name = operation = b""
        for number, wire_type, payload in self.wire.fields(node):
            if wire_type != LENGTH_DELIMITED:
                continue
            if number == _NODE_NAME:
                name = self._name_at(payload)
            elif number == _NODE_OPERATION:
                operation = self._name_at(payload)
            elif number == _NODE_INPUT:
                self._add_read(self._name_at(payload))
        self._account_for(name)
        self.nodes[name] = operation
        self.variables += operation in _VARIABLES
        if operation in _PLACEHOLDERS:
            self._check(len(self.placeholders) + 1, _MOST_PLACEHOLDERS, what="number of placeholders")
            self.placeholders.append((operation, self._read_placeholder(node, name.decode(errors="replace"))))

    def inputs(self) -> Iterator[TensorSpec]:
        for operation, spec in self.placeholders:
            is_legacy = operation == _LEGACY_PLACEHOLDER and self.producer <= _LAST_LEGACY_PRODUCER
            yield spec._replace(shape=None) if is_legacy and spec.shape == () else spec

    def outputs(self) -> Iterator[str]:
        unread = (
            name
            for name, operation in self.nodes.items()
            if name not in self.read_names and operation not in _WITHOUT_RESULT
        )
        for name, _ in zip(unread, range(_MOST_OUTPUTS), strict=False):
            yield name.decode(errors="replace")

    def _add_read(self, reference: bytes) -> None:
        """Note the node that *reference* names: ``node``, ``node:1``, or ``^node`` for an order without a result."""
        name = reference.removeprefix(b"^").partition(b":")[0]
        if name not in self.read_names:
            self._account_for(name)
            self.read_names.add(name)

    def _read_placeholder(self, node: Span, name: str) -> TensorSpec:
        dtype = ""
        shape = None
        for attribute in self.wire.payloads(node, _NODE_ATTRIBUTE):
            key = self.wire.string(attribute, _ENTRY_KEY)
            for value in self.wire.payloads(attribute, _ENTRY_VALUE):
                if key == "dtype":
                    dtype = dtype_name(self.wire.integer(value, _VALUE_TYPE) or 0)
                elif key == "shape":
                    for payload in self.wire.payloads(value, _VALUE_SHAPE):
                        shape = read_shape(self.wire, payload)
        return TensorSpec(name=name, dtype=dtype, shape=shape)

    def _name_at(self, payload: Span) -> bytes:
        return self.wire.content(payload, limit=_LONGEST_NAME)

    def _account_for(self, name: bytes) -> None:
        """Bound the memory that names take."""
        self.names_size += _NAME_OVERHEAD + len(name)
        self._check(self.names_size, _LARGEST_NAMES, what="size of names in bytes")

    def _check(self, found: int, limit: int, *, what: str) -> None:
        if found > limit:
            raise LimitExceededError(self.wire.where, what=what, limit=limit, found=found)
