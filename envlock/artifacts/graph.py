"""GraphDef messages, from their spans to the versions they carry and the operations they are made of.

Only the names of operations, attributes and functions are read; tensors are passed over by their length. Format:
tensorflow/core/framework/graph.proto, node_def.proto, attr_value.proto, function.proto, op_def.proto, versions.proto.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

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
_ENTRY_VALUE = 2  # any map entry
_VALUE_LIST, _VALUE_FUNCTION = 1, 10  # AttrValue
_LIST_FUNCTION = 9  # AttrValue.ListValue
_FUNCTION_NAME = 1  # NameAttrList
_VERSIONS_PRODUCER, _VERSIONS_MIN_CONSUMER = 1, 2  # VersionDef

_LONGEST_NAME = 4096
_LARGEST_NAMES = 32 * 1024 * 1024
_NAME_OVERHEAD = 100
_MOST_ATTRIBUTES = 10_000
_MOST_OPERATIONS = 50_000  # TensorFlow 1.x calls each library function by an operation of its name
_MOST_KINDS = 100_000  # each function that is called makes one
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


class _NodeKind:
    """What nodes that are used alike have in common; the same object for all of them."""

    __slots__ = ("attributes", "called", "operation", "tally")

    def __init__(
        self, operation: bytes, attributes: tuple[bytes, ...], functions: tuple[bytes, ...], tally: _Tally
    ) -> None:
        """Take the operation and its tally, the attributes that are set, and the functions that these name."""
        self.operation = operation
        self.attributes = attributes
        self.called = (operation, *functions)  # an operation may be the name of a function
        self.tally = tally


class GraphCensus:
    """Counts the operations of the graphs of one file, library functions included."""

    def __init__(self, wire: WireReader) -> None:
        """Count over the graphs in *wire*."""
        self._wire = wire
        self._tallies: dict[bytes, _Tally] = {}
        self._kinds: dict[tuple[bytes, tuple[bytes, ...], tuple[bytes, ...]], _NodeKind] = {}
        self._alike: dict[bytes, _NodeKind] = {}
        self._in_graphs: set[_NodeKind] = set()
        self._functions: dict[bytes, list[set[_NodeKind]]] = {}  # two graphs may have functions of one name
        self._names_size = 0

    def add_graph(self, graph: Span, *, location: str) -> tuple[Evidence, ...]:
        """Count the nodes of the GraphDef *graph*, and give the versions that it carries."""
        evidence: list[Evidence] = []
        for number, wire_type, payload in self._wire.fields(graph):
            if wire_type != LENGTH_DELIMITED:
                continue
            if number == _GRAPH_NODE:
                self._in_graphs.add(self._count_node(payload, location))
            elif number == _GRAPH_LIBRARY:
                self._add_library(payload, location)
            elif number == _GRAPH_VERSIONS:
                evidence += read_versions(self._wire, payload, location=f"{location}.versions")
        return tuple(evidence)

    def operations(self) -> tuple[Operation, ...]:
        """Every operation seen so far, sorted by name; a call of a function of the library is none."""
        called = self._called_attributes()
        return tuple(
            Operation(
                name=name.decode(errors="replace"),
                attributes=_texts(tally.attributes),
                nodes=tally.nodes,
                is_uncalled=name not in called,
                uncalled_attributes=_texts(tally.attributes - called.get(name, set())),
            )
            for name, tally in sorted(self._tallies.items())
            if name not in self._functions
        )

    def code(self) -> tuple[Code, ...]:
        """The operations that reach outside of the graph, sorted by name, each with its first node."""
        return tuple(self._code())

    def _code(self) -> Iterator[Code]:
        for name, tally in sorted(self._tallies.items()):
            operation = name.decode(errors="replace")
            kind = None if name in self._functions else effect_of(operation)
            if kind is not None:
                node = "" if tally.first_name is None else self._wire.text(tally.first_name)
                yield Code(kind=kind, name=operation, location=f"{tally.location}, node {printable(node)}")

    def _called_attributes(self) -> dict[bytes, set[bytes]]:
        """The operations of the graphs and of all functions that these call, with the attributes that are set there."""
        attributes: dict[bytes, set[bytes]] = defaultdict(set)
        for kind in self._called_kinds():
            attributes[kind.operation].update(kind.attributes)
        return attributes

    def _called_kinds(self) -> set[_NodeKind]:
        """Gradients of functions are left aside, as TensorFlow does until somebody differentiates."""
        called = set(self._in_graphs)
        pending = list(called)
        uncalled = dict(self._functions)
        while pending:
            for name in pending.pop().called:
                for body in uncalled.pop(name, ()):
                    new = body - called
                    called |= new
                    pending += new
        return called

    def _add_library(self, library: Span, location: str) -> None:
        for function in self._wire.payloads(library, _LIBRARY_FUNCTION):
            signature = None
            body: set[_NodeKind] = set()
            for number, wire_type, payload in self._wire.fields(function):
                if wire_type != LENGTH_DELIMITED:
                    continue
                if number == _FUNCTION_NODE:
                    body.add(self._count_node(payload, location))
                elif number == _FUNCTION_SIGNATURE:
                    signature = payload
            if signature is not None:
                self._add_function(signature, body)

    def _add_function(self, signature: Span, body: set[_NodeKind]) -> None:
        *_, last = (b"", *self._names(signature, _SIGNATURE_NAME))
        self._functions.setdefault(last, []).append(body)
        self._account_for(last)

    def _count_node(self, node: Span, location: str) -> _NodeKind:
        """Count one NodeDef; most differ from an earlier one by their names alone, and are not read again."""
        likeness = None
        if node[1] - node[0] <= _LARGEST_ALIKE:
            likeness = _without_names(self._wire.content(node))
        kind = None if likeness is None else self._alike.get(likeness)
        if kind is None:
            kind = self._read_node(node, location)
            if likeness is not None and len(self._alike) < _MOST_ALIKE:
                self._alike[likeness] = kind
        kind.tally.nodes += 1
        return kind

    def _read_node(self, node: Span, location: str) -> _NodeKind:
        """Read the attributes of a NodeDef, and into the tally of its operation."""
        name = operation = None
        attributes: set[bytes] = set()
        functions: set[bytes] = set()
        for number, wire_type, payload in self._wire.fields(node):
            if wire_type != LENGTH_DELIMITED:
                continue
            if number == _NODE_ATTRIBUTE:
                attributes.add(self._wire.map_key(payload, limit=_LONGEST_NAME))
                functions.update(self._functions_named(payload))
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
        return self._kind(key, attributes, functions, tally)

    def _kind(self, operation: bytes, attributes: set[bytes], functions: set[bytes], tally: _Tally) -> _NodeKind:
        traits = operation, tuple(sorted(attributes)), tuple(sorted(functions))
        kind = self._kinds.get(traits)
        if kind is None:
            kind = self._kinds[traits] = _NodeKind(*traits, tally)
            self._check(len(self._kinds), _MOST_KINDS, what="number of different kinds of nodes")
            self._account_for(*functions)
        return kind

    def _functions_named(self, attribute: Span) -> Iterator[bytes]:
        """The functions that are the value of an attribute, or stand in a list that is."""
        for number, wire_type, value in self._wire.fields(attribute):
            if (number, wire_type) == (_ENTRY_VALUE, LENGTH_DELIMITED):
                for kind, encoding, payload in self._wire.fields(value):
                    if (kind, encoding) == (_VALUE_FUNCTION, LENGTH_DELIMITED):
                        yield from self._names(payload, _FUNCTION_NAME)
                    elif (kind, encoding) == (_VALUE_LIST, LENGTH_DELIMITED):
                        yield from self._functions_listed(payload)

    def _functions_listed(self, values: Span) -> Iterator[bytes]:
        for number, wire_type, payload in self._wire.fields(values):
            if (number, wire_type) != (_LIST_FUNCTION, LENGTH_DELIMITED):
                # All values of a list are of one type, and there may be a million of another.
                return
            yield from self._names(payload, _FUNCTION_NAME)

    def _names(self, message: Span, number: int) -> Iterator[bytes]:
        for payload in self._wire.payloads(message, number):
            yield self._wire.content(payload, limit=_LONGEST_NAME)

    def _account_for(self, *names: bytes) -> None:
        """Bound the memory that different names take."""
        self._names_size += sum(_NAME_OVERHEAD + len(name) for name in names)
        self._check(self._names_size, _LARGEST_NAMES, what="size of different names in bytes")

    def _check(self, found: int, limit: int, *, what: str) -> None:
        if found > limit:
            raise LimitExceededError(self._wire.where, what=what, limit=limit, found=found)


def _texts(attributes: Iterable[bytes]) -> frozenset[str]:
    """The names of those *attributes* that the runtime does not set for itself."""
    texts = (attribute.decode(errors="replace") for attribute in attributes)
    return frozenset(text for text in texts if not text.startswith(_INTERNAL))


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
