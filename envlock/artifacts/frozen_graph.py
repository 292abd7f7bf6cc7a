"""GraphDef files, most of them frozen graphs: ``.pb`` and ``.pbtxt``, with and without the versions of their writer.

Format: tensorflow/core/framework/graph.proto.
"""

from __future__ import annotations

from collections.abc import Iterator

from envlock.artifacts.graph import GraphCensus
from envlock.artifacts.graph_endpoints import GraphEndpoints, read_endpoints
from envlock.artifacts.interface import ArtifactSource
from envlock.artifacts.message_kinds import message_kind, wire_form
from envlock.errors import DamagedFileError
from envlock.formats.protobuf import LENGTH_DELIMITED, VARINT, WireReader
from envlock.formats.ranges import RangeReader
from envlock.formats.text import printable
from envlock.provenance import ArtifactFormat, Finding, Provenance

_LOCATION = "graph_def"
_FIELDS = frozenset(  # GraphDef: node, library, version, versions, debug_info
    {(1, LENGTH_DELIMITED), (2, LENGTH_DELIMITED), (3, VARINT), (4, LENGTH_DELIMITED), (5, LENGTH_DELIMITED)}
)


class GraphDefReader:
    """Reads GraphDef files of every TensorFlow release; the values of their tensors are passed over."""

    formats: tuple[ArtifactFormat, ...] = ("graph-def",)

    def recognises(self, source: ArtifactSource, head: bytes) -> bool:
        """Whether *head* begins with a node or a function of a graph, in binary or as text."""
        kind = message_kind(head)
        return not source.is_folder and kind is not None and kind.name == "GraphDef"

    def read(self, source: ArtifactSource) -> Provenance:
        """Read the graph.

        Raises:
            ArtifactError: It is damaged, or something else than a graph.
        """
        where = printable(source.path.name)
        with source.open() as stream:
            reader = RangeReader(stream)
            form = wire_form(reader, message="GraphDef", where=where)
            wire = WireReader(form, where=where)
            _check_structure(wire)
            census = GraphCensus(wire)
            evidence = census.add_graph(wire.root, location=_LOCATION)
            endpoints = read_endpoints(WireReader(form, where=where), wire.root)
            return Provenance(
                path=source.path,
                format="graph-def",
                content="graph",
                size=reader.size,
                evidence=(*evidence, *endpoints.evidence(location=_LOCATION)),
                operations=census.operations(),
                inputs=endpoints.inputs,
                code=census.code(),
                findings=tuple(_check_frozen(endpoints)),
                traits=frozenset({"graph-only"}),
            )


def _check_structure(wire: WireReader) -> None:
    """Make sure that the message has the fields of a GraphDef and no others.

    Raises:
        DamagedFileError: It has not.
    """
    for number, wire_type, payload in wire.fields(wire.root):
        if (number, wire_type) not in _FIELDS:
            problem = f"a GraphDef has no field {number} of wire type {wire_type}"
            raise DamagedFileError(wire.where, problem, offset=payload[0])


def _check_frozen(endpoints: GraphEndpoints) -> Iterator[Finding]:
    if endpoints.variables:
        yield Finding(
            reference="not-frozen",
            severity="warning",
            message=f"the graph has {endpoints.variables} variables, and their values are not in this file",
            hint="keep the checkpoint that belongs to it at hand, or freeze the graph where it was made",
        )
