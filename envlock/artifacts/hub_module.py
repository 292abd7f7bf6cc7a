"""The mark that TensorFlow Hub puts beside the ``saved_model.pb`` of a module of its first format.

Such a module loads with ``hub.Module`` of tensorflow_hub in TensorFlow 1.x graphs. Format:
tensorflow_hub/module_def.proto.
"""

from __future__ import annotations

from collections.abc import Iterator

from envlock.formats.protobuf import WireReader
from envlock.provenance import Evidence

HUB_MODULE = "tfhub_module.pb"
"""Name of the file."""

_MODULE_FORMAT, _MODULE_FEATURE = 1, 2  # ModuleDef


def read_hub_module(wire: WireReader) -> Iterator[Evidence]:
    """Give the format of the module as ``hub-module-format``, and what it asks of its loader.

    Raises:
        ArtifactError: It is damaged.
    """
    number = wire.integer(wire.root, _MODULE_FORMAT) or 0
    yield Evidence(fact="hub-module-format", value=str(number), location=f"{wire.where}: format")
    for feature in wire.payloads(wire.root, _MODULE_FEATURE):
        yield Evidence(fact="hub-module-feature", value=wire.text(feature), location=f"{wire.where}: required_features")
