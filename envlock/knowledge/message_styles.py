"""Which protobuf the generated Python modules of a TensorFlow release work with."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.tensorflow_facts import TensorFlowFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtobufSupport:
    """The protobuf that message modules of one style work with."""

    releases: SpecifierSet
    newer_in_pure_python: bool
    """Whether newer ones serve where ``PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION`` is ``python``."""


def protobuf_for(facts: TensorFlowFacts) -> ProtobufSupport:
    """The protobuf that can import the message modules of a TensorFlow release."""
    (row,) = (row for row in read_toml("message_styles.toml")["style"] if facts.message_style in row["names"])
    return ProtobufSupport(
        releases=SpecifierSet(row["protobuf"].format(least=facts.least_protobuf)),
        newer_in_pure_python=row["newer_in_pure_python"],
    )
