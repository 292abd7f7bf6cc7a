"""A recognised network and a TensorFlow line -> which model of ``tf.keras.applications`` takes its weights, and how."""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

from envlock.knowledge.networks import Network, NetworkLayer, Size, counterpart_of, network_for_line
from envlock.networks.recognition import RecognisedNetwork, recognise_network
from envlock.networks.stored_weights import StoredLayer
from envlock.provenance import Provenance

_LEFT_AS_MADE = frozenset({"bias", "beta", "gamma"})
"""Roles of variables that change nothing as a new layer has them: a summand of 0, a factor of 1."""


class MappedLayer(NamedTuple):
    """A layer of the model, and what it takes."""

    name: str
    keys: tuple[str | None, ...]
    """Of the stored variables, in the order of the layer's own; ``None`` for one that stays as it is made; empty where
    nothing is there for the layer."""


class WeightMapping(NamedTuple):
    """How a model of ``tf.keras.applications`` is made of stored weights."""

    network: Network
    has_classifier: bool
    classes: int
    layers: tuple[MappedLayer, ...]
    """As the model lists those that have weights."""

    left: tuple[str, ...]
    """Keys of what is stored and not taken, in the order of the file."""

    differences: str
    """What the model computes otherwise than the network whose weights they were; empty where nothing."""

    @property
    def expression(self) -> str:
        """The call that builds the model."""
        arguments = [f"{name}={value!r}" for name, value in self.network.arguments.items()]
        top = f"classes={self.classes}" if self.has_classifier else "include_top=False"
        return f"tf.keras.applications.{self.network.name}({', '.join(['weights=None', *arguments, top])})"


def find_mapping(path: Path, provenance: Provenance, line: str) -> WeightMapping | None:
    """How a model of a TensorFlow *line* takes the weights of the artifact at *path*; ``None`` where none does.

    Raises:
        ArtifactError: It is damaged.
    """
    found = recognise_network(path, provenance)
    return None if found is None else mapping_for(found, provenance, line)


def mapping_for(found: RecognisedNetwork, provenance: Provenance, line: str) -> WeightMapping | None:
    """As :func:`map_weights`; ``None`` too for a file of weights that Keras cannot fill such a model from.

    It does so by itself, and only where the file holds the whole of that model and nothing else.
    """
    mapping = map_weights(found, line)
    if mapping is None or provenance.content != "weights":
        return mapping
    is_whole = not found.others and all(layer.keys for layer in mapping.layers)
    return mapping if is_whole and found.network == mapping.network else None


def map_weights(found: RecognisedNetwork, line: str) -> WeightMapping | None:
    """How the model of a TensorFlow *line* takes the weights *found*; ``None`` where that line has no such model.

    So it is where a layer other than the classifier has other shapes than the network: nothing tells what built it.
    """
    counterpart = counterpart_of(found.network)
    network = None if counterpart is None else network_for_line(counterpart.name, found.network.arguments, line)
    if counterpart is None or network is None or not found.changed.keys() <= {found.network.layers[-1].name}:
        return None
    pairs = _pair_layers(found.network, network)
    if network.provider == found.network.provider and len(pairs) < len(network.layers):
        # Another release builds it in another way: which layer of the one is which of the other is not known.
        return None
    stored = {**found.layers, **found.changed}
    sources = {there: stored[here] for here, there in pairs.items() if here in stored}
    layers = network.in_model_order
    if not found.has_classifier:
        # What comes after it is the classifier, which such a model is built without.
        layers = layers[: max((place + 1 for place, layer in enumerate(layers) if layer.name in sources), default=0)]
    mapped = tuple(_map_layer(layer, sources.get(layer.name), counterpart.roles) for layer in layers)
    taken = {key for layer in mapped for key in layer.keys}
    every = (variable.key for layer in (*stored.values(), *found.others) for variable in layer.variables)
    return WeightMapping(
        network=network,
        has_classifier=found.has_classifier,
        classes=found.classes,
        layers=mapped,
        left=tuple(key for key in every if key not in taken),
        differences=counterpart.differences,
    )


def _map_layer(layer: NetworkLayer, source: StoredLayer | None, roles: Mapping[str, str]) -> MappedLayer:
    if source is None:
        return MappedLayer(layer.name, ())
    if len(source.variables) == len(layer.variables) == 1:
        # Whatever it is called: Keras 3 has another name for the kernel of a convolution by depth.
        return MappedLayer(layer.name, (source.variables[0].key,))
    keys = {roles.get(variable.role, variable.role): variable.key for variable in source.variables}
    is_whole = all(role in keys or role in _LEFT_AS_MADE for role in layer.variables)
    return MappedLayer(layer.name, tuple(map(keys.get, layer.variables)) if is_whole else ())


def _pair_layers(network: Network, other: Network) -> dict[str, str]:
    """The layers of *network*, each with that of *other* that does the same: alike in size, and in the same order."""
    if network == other:
        return {layer.name: layer.name for layer in network.layers}
    sizes, others = ([_size(layer) for layer in item.layers] for item in (network, other))
    blocks = SequenceMatcher(None, sizes, others, autojunk=False).get_matching_blocks()
    return {
        network.layers[block.a + step].name: other.layers[block.b + step].name
        for block in blocks
        for step in range(block.size)
    }


def _size(layer: NetworkLayer) -> tuple[bool, int, int]:
    """What two layers that do the same have in common, be it a dense one and a convolution over all of its input."""
    shape: Size = next(iter(layer.variables.values()))
    return "moving_mean" in layer.variables, math.prod(shape), shape[-1]
