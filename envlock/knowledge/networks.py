"""Published networks: the layers of those in ``tf.keras.applications`` and in TF-slim, with names and shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from envlock.knowledge.datafiles import read_json, read_toml
from envlock.knowledge.releases import line_order

Size = tuple[int, ...]


class NetworkLayer(NamedTuple):
    """One layer with weights."""

    name: str
    """As checkpoints have it; ``conv2d#3`` for the fourth of those that Keras has numbered."""

    class_name: str
    """Of the Keras layer; empty for TF-slim, whose layers are functions."""

    variables: Mapping[str, Size]
    """Shapes by role, such as ``kernel``, in the order in which Keras saves them."""


class Network(NamedTuple):
    """A network that many models start from, as some releases build it."""

    provider: str
    """What brings it, such as ``tf.keras.applications``."""

    name: str
    arguments: Mapping[str, float | bool]
    """What it is built with beside the number of classes."""

    lines: tuple[str, ...]
    """Release lines of TensorFlow, Keras or TF-slim, as the provider has them, that were seen to build it so."""

    layers: tuple[NetworkLayer, ...]
    """In the order in which they are made; the classifier comes last."""

    order: tuple[int, ...]
    """The layers as the model lists them, by their places in ``layers``."""

    @property
    def release_of(self) -> str:
        """Whose release lines those are, such as ``TensorFlow``."""
        providers = read_toml("network_counterparts.toml")["provider"]
        return next(str(row["release_of"]) for row in providers if row["name"] == self.provider)

    @property
    def in_model_order(self) -> tuple[NetworkLayer, ...]:
        """The layers as the model lists them."""
        return tuple(self.layers[place] for place in self.order)

    @property
    def variable_count(self) -> int:
        """How many variables all of it has."""
        return sum(len(layer.variables) for layer in self.layers)


class Counterpart(NamedTuple):
    """The network of ``tf.keras.applications`` that takes the weights of one of another provider."""

    name: str
    roles: Mapping[str, str]
    """What variables are called there, by what they are called here; the others have the same names."""

    differences: str
    """What it computes otherwise, in a sentence; empty where the numbers are the same."""


KERAS_APPLICATIONS = "tf.keras.applications"
"""The provider whose networks are models that this database knows how to build."""


@cache
def all_networks() -> tuple[Network, ...]:
    """Every network, in each form in which releases build it."""
    table = read_json("networks.json")
    kinds = [(kind[0], {role: tuple(shape) for role, shape in kind[1]}) for kind in table["kinds"]]
    return tuple(_network(row, kinds) for row in table["networks"])


def network_for_line(name: str, arguments: Mapping[str, float | bool], line: str) -> Network | None:
    """The network of ``tf.keras.applications`` as a TensorFlow line builds it; ``None`` before the first that does.

    A line that was not seen builds what the nearest earlier one does.
    """
    known = [
        (line_order(seen), network)
        for network in all_networks()
        if (network.provider, network.name, network.arguments) == (KERAS_APPLICATIONS, name, arguments)
        for seen in network.lines
        if line_order(seen) <= line_order(line)
    ]
    return max(known, key=lambda item: item[0])[1] if known else None


def counterpart_of(network: Network) -> Counterpart | None:
    """What of ``tf.keras.applications`` takes the weights of *network*; ``None`` where nothing does."""
    if network.provider == KERAS_APPLICATIONS:
        return Counterpart(name=network.name, roles={}, differences="")
    rows = read_toml("network_counterparts.toml")["counterpart"]
    found = (row for row in rows if row["provider"] == network.provider and network.name in row["networks"])
    row = next(found, None)
    if row is None:
        return None
    return Counterpart(row["networks"][network.name], roles=row["roles"], differences=row.get("differences", ""))


def numbered_name(class_name: str) -> str:
    """The name that Keras gives to the first layer of a class, such as ``batch_normalization``; others get numbers."""
    words = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", class_name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def _network(row: dict[str, Any], kinds: list[tuple[str, dict[str, Size]]]) -> Network:
    layers = tuple(NetworkLayer(name, *kinds[kind]) for name, kind in row["layers"].items())
    return Network(
        provider=row["provider"],
        name=row["name"],
        arguments=row["arguments"],
        lines=tuple(row["lines"]),
        layers=layers,
        order=tuple(row.get("order", range(len(layers)))),
    )
