"""MetaGraphDef files, which TensorFlow 1.x writes beside its checkpoints: ``.meta``, in binary or as text.

Format: tensorflow/core/protobuf/meta_graph.proto.
"""

from __future__ import annotations

from envlock.artifacts.graph import GraphCensus
from envlock.artifacts.graph_endpoints import read_endpoints
from envlock.artifacts.interface import ArtifactSource
from envlock.artifacts.message_kinds import message_kind, wire_form
from envlock.artifacts.meta_graph import read_meta_graph
from envlock.errors import DamagedFileError
from envlock.formats.protobuf import Span, WireReader
from envlock.formats.ranges import RangeReader
from envlock.formats.text import printable
from envlock.provenance import ArtifactFormat, Provenance

_LOCATION = "meta_graph_def"
_META_GRAPH_GRAPH = 2  # MetaGraphDef


class MetaGraphReader:
    """Reads MetaGraphDef files of every TensorFlow release."""

    formats: tuple[ArtifactFormat, ...] = ("meta-graph",)

    def recognises(self, source: ArtifactSource, head: bytes) -> bool:
        """Whether *head* begins with what a MetaGraphDef says of itself, or with its graph, in binary or as text."""
        kind = message_kind(head)
        return not source.is_folder and kind is not None and kind.name == "MetaGraphDef"

    def read(self, source: ArtifactSource) -> Provenance:
        """Read the graph and what is said about it.

        Raises:
            ArtifactError: It is damaged, or something else than a MetaGraphDef.
        """
        where = printable(source.path.name)
        with source.open() as stream:
            reader = RangeReader(stream)
            form = wire_form(reader, message="MetaGraphDef", where=where)
            wire = WireReader(form, where=where)
            census = GraphCensus(wire)
            meta_graph = read_meta_graph(wire, wire.root, census, location=_LOCATION)
            endpoints = read_endpoints(WireReader(form, where=where), _graph_of(wire))
            return Provenance(
                path=source.path,
                format="meta-graph",
                content="graph",
                size=reader.size,
                evidence=(*meta_graph.evidence, *endpoints.evidence(location=f"{_LOCATION}.graph_def")),
                operations=census.operations(),
                signatures=meta_graph.signatures,
                tags=(meta_graph.tags,) if meta_graph.tags else (),
                inputs=endpoints.inputs,
                code=census.code(),
                traits=frozenset() if meta_graph.has_object_graph else frozenset({"graph-only"}),
            )


def _graph_of(wire: WireReader) -> Span:
    """The graph of the file, which has one.

    Raises:
        DamagedFileError: It has none.
    """
    for graph in wire.payloads(wire.root, _META_GRAPH_GRAPH):
        return graph
    raise DamagedFileError(wire.where, "a MetaGraphDef without a graph")
