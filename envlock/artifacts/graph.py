"""GraphDef messages, from their spans to the versions they carry and the operations they are made of.

Only the names of operations and attributes are read; tensors are passed over by their length. Format:
tensorflow/core/framework/graph.proto, node_def.proto, function.proto, op_def.proto, versions.proto.
"""

from __future__ import annotations

from collections.abc import Iterator

from envlock.errors import LimitExceededError
from envlock.formats.protobuf import LENGTH_DELIMITED, VARINT, Span, WireReader
from envlock.formats.text import printable
from envlock.knowledge.operation_effects import effect_of
from envlock.provenance import Code, Evidence, Operation

_GRAPH_NODE, _GRAPH_LIBRARY, _GRAPH_VERSIONS = 1, 2, 4  # GraphDef
_LIBRARY_FUNCTION = 1  # FunctionDefLibrary
_FUNCTION_SIGNATURE, _FUNCTION_NODE = 1, 3  # FunctionDef
_SIGNATURE_NAME = 1  # OpDef
_NODE_NAME, _NODE_OPERATION, _NODE_INPUT, _NODE_ATTRIBUTE = 1, 2, 3, 5  # NodeDef
_VERSIONS_PRODUCER, _VERSIONS_MIN_CONSUMER = 1, 2  # VersionDef

_LONGEST_NAME = 4096
_LARGEST_NAMES = 32 * 1024 * 1024
_NAME_OVERHEAD = 100
_MOST_ATTRIBUTES = 10_000
_MOST_OPERATIONS = 50_000  # TensorFlow 1.x calls each library function by an operation of its name
_LARGEST_ALIKE = 512  # bytes of a node; larger ones hold tensors, and few of those are equal
_MOST_ALIKE = 10_000
_NAME_TAG, _OPERATION_TAG, _INPUT_TAG = (
    number << 3 | LENGTH_DELIMITED for number in (_NODE_NAME, _NODE_OPERATION, _NODE_INPUT)
)
_SHORT = 0x7F  # the largest length that takes one byte
_INTERNAL = "_"
"""How attributes begin that the runtime sets for itself: no registry knows them, every loader takes them."""


class _Tally:
    """What was seen of one operation."""

    def __init__(self, location: str, first_name: Span | None) -> None:
        """Take what holds the first node, for messages, and the name of that node."""
        self.location = location
        self.first_name = first_name
        self.nodes = 0
        self.attributes: set[bytes] = set()


class GraphCensus:
    """Counts the operations of the graphs of one file, library functions included."""

    def __init__(self, wire: WireReader) -> None:
        """Count over the graphs in *wire*."""
        self._wire = wire
        self._tallies: dict[bytes, _Tally] = {}
        self._alike: dict[bytes, _Tally] = {}
        self._functions: set[bytes] = set()
        self._names_size = 0

    def add_graph(self, graph: Span, *, location: str) -> tuple[Evidence, ...]:
        """Count the nodes of the GraphDef *graph*, and give the versions that it carries."""
        evidence: list[Evidence] = []
        for number, wire_type, payload in self._wire.fields(graph):
            if wire_type != LENGTH_DELIMITED:
                continue
            if number == _GRAPH_NODE:
                self._count_node(payload, location)
            elif number == _GRAPH_LIBRARY:
                self._add_library(payload, location)
            elif number == _GRAPH_VERSIONS:
                evidence += read_versions(self._wire, payload, location=f"{location}.versions")
        return tuple(evidence)

    def operations(self) -> tuple[Operation, ...]:
        """Every operation seen so far, sorted by name; a call of a function of the library is none."""
        return tuple(
            Operation(
                name=name.decode(errors="replace"),
                attributes=frozenset(
                    text
                    for attribute in tally.attributes
                    if not (text := attribute.decode(errors="replace")).startswith(_INTERNAL)
                ),
                nodes=tally.nodes,
            )
            for name, tally in sorted(self._tallies.items())
            if name not in self._functions
        )

    def code(self) -> tuple[Code, ...]:
        """The operations that reach outside of the graph, sorted by name, each with its first node."""
        return tuple(self._code())

    def _code(self) -> Iterator[Code]:
        for operation in self.operations():
            kind = effect_of(operation.name)
            if kind is not None:
                tally = self._tallies[operation.name.encode()]
                node = "" if tally.first_name is None else self._wire.text(tally.first_name)
                yield Code(kind=kind, name=operation.name, location=f"{tally.location}, node {printable(node)}")

    def _add_library(self, library: Span, location: str) -> None:
        for function in self._wire.payloads(library, _LIBRARY_FUNCTION):
            for number, wire_type, payload in self._wire.fields(function):
                if wire_type != LENGTH_DELIMITED:
                    continue
                if number == _FUNCTION_NODE:
                    self._count_node(payload, location)
                elif number == _FUNCTION_SIGNATURE:
                    self._add_function(payload)

    def _add_function(self, signature: Span) -> None:
        for payload in self._wire.payloads(signature, _SIGNATURE_NAME):
            name = self._wire.content(payload, limit=_LONGEST_NAME)
            self._functions.add(name)
            self._account_for(name)

    def _count_node(self, node: Span, location: str) -> None:
        """Count one NodeDef; most differ from an earlier one by their names alone, and are not read again."""
        likeness = None
        if node[1] - node[0] <= _LARGEST_ALIKE:
            likeness = _without_names(self._wire.content(node))
        tally = None if likeness is None else self._alike.get(likeness)
        if tally is None:
            tally = self._read_node(node, location)
            if likeness is not None and len(self._alike) < _MOST_ALIKE:
                self._alike[likeness] = tally
        tally.nodes += 1

    def _read_node(self, node: Span, location: str) -> _Tally:
        """Read the attributes of a NodeDef into the tally of its operation."""
        name = operation = None
        attributes: set[bytes] = set()
        for number, wire_type, payload in self._wire.fields(node):
            if wire_type != LENGTH_DELIMITED:
                continue
            if number == _NODE_ATTRIBUTE:
                attributes.add(self._wire.map_key(payload, limit=_LONGEST_NAME))
            elif number == _NODE_OPERATION:
                operation = payload
            elif number == _NODE_NAME:
                name = payload
        self._check(len(attributes), _MOST_ATTRIBUTES, what="number of attributes of a node")
        key = b"" if operation is None else self._wire.content(operation, limit=_LONGEST_NAME)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = _Tally(location, name)
            self._check(len(self._tallies), _MOST_OPERATIONS, what="number of different operations")
            self._account_for(key)
        if not attributes <= tally.attributes:
            self._account_for(*(attributes - tally.attributes))
            tally.attributes |= attributes
        return tally

    def _account_for(self, *names: bytes) -> None:
        """Bound the memory that different names take."""
        self._names_size += sum(_NAME_OVERHEAD + len(name) for name in names)
        self._check(self._names_size, _LARGEST_NAMES, what="size of different names in bytes")

    def _check(self, found: int, limit: int, *, what: str) -> None:
        if found > limit:
            raise LimitExceededError(self._wire.where, what=what, limit=limit, found=found)


def _without_names(node: bytes) -> bytes | None:
    """The operation, device and attributes of a NodeDef, as they are stored: equal for nodes that are used alike.

    None where the fields do not stand in the order of their numbers, as encoders write them, or a name is long.
    """
    try:
        operation = 2 + node[1]
        rest = inputs = operation + 2 + node[operation + 1]
        if node[0] != _NAME_TAG or node[operation] != _OPERATION_TAG or max(node[1], node[operation + 1]) > _SHORT:
            return None
        while rest < len(node) and node[rest] == _INPUT_TAG and node[rest + 1] <= _SHORT:
            rest += 2 + node[rest + 1]
    except IndexError:
        return None
    return node[operation:inputs] + node[rest:] if rest <= len(node) else None


def read_versions(wire: WireReader, versions: Span, *, location: str, subject: str = "graph") -> tuple[Evidence, ...]:
    """Give what a VersionDef says as ``<subject>-producer`` and ``<subject>-min-consumer``; zeros are not stored."""
    facts = {_VERSIONS_PRODUCER: "producer", _VERSIONS_MIN_CONSUMER: "min_consumer"}
    last = {number: payload for number, wire_type, payload in wire.fields(versions) if wire_type == VARINT}
    return tuple(
        Evidence(
            fact=f"{subject}-{name.replace('_', '-')}",
            value=str(wire.signed(last[number])),
            location=f"{location}.{name}",
        )
        for number, name in facts.items()
        if number in last
    )
