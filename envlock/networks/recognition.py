"""The layers of a checkpoint or a file of weights -> the published network that they are of, and how sure that is.

Names and shapes tell. Scopes around the network, another number of classes, and layers beside it do not hide it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from envlock.knowledge.networks import Network, NetworkLayer, all_networks, numbered_name
from envlock.networks.stored_weights import StoredLayer, class_and_number, read_checkpoint_layers, read_hdf5_layers
from envlock.provenance import Provenance

_LEAST_OF_ALL, _LEAST_OF_TRUNK = 0.9, 0.75
"""The part of a network's layers that has to be there: whichever are missing, or where the last ones alone are."""

_MOST_LAYERS, _DEEPEST_SCOPE = 10_000, 12
"""More than any network has: what goes beyond was made to cost time or memory, or is something else."""


class RecognisedNetwork(NamedTuple):
    """A network whose variables are stored."""

    network: Network
    layers: Mapping[str, StoredLayer]
    """What is stored of it, by the names of the network's layers: whole layers of the right shapes."""

    changed: Mapping[str, StoredLayer]
    """What is stored under the name of a layer with other shapes."""

    others: tuple[StoredLayer, ...]
    """What is stored beside it."""

    @property
    def variable_count(self) -> int:
        """How many of its variables are there, in the right shapes."""
        return sum(len(layer.variables) for layer in self.layers.values())

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of its layers that are not stored."""
        return tuple(layer.name for layer in self.network.layers if layer.name not in {**self.layers, **self.changed})

    @property
    def has_classifier(self) -> bool:
        """Whether its last layer, which gives a number to each class, is there."""
        return self.network.layers[-1].name not in self.missing

    @property
    def classes(self) -> int:
        """How many classes that layer tells apart; of all that are known where it is missing."""
        last = self.network.layers[-1]
        changed = self.changed.get(last.name)
        shapes = [variable.shape for variable in changed.variables] if changed else [*last.variables.values()]
        return next((shape[-1] for shape in shapes if shape and shape[-1] is not None), 0)


def recognise_network(path: Path, provenance: Provenance) -> RecognisedNetwork | None:
    """The network whose variables the artifact at *path* holds; ``None`` for another kind of artifact, or no such.

    Raises:
        ArtifactError: It is damaged.
    """
    if provenance.content == "variables":
        return find_network(read_checkpoint_layers(path))
    if provenance.content == "weights" and provenance.format == "keras-hdf5":
        return find_network(read_hdf5_layers(path))
    return None


def find_network(stored: Sequence[StoredLayer]) -> RecognisedNetwork | None:
    """The network that *stored* has most variables of; ``None`` where it has the better part of none."""
    if len(stored) > _MOST_LAYERS:
        return None
    places = _places_of(stored)
    found = [_compare(naming, stored, places) for naming in _namings()]
    return max(filter(_is_recognised, found), key=lambda item: (item.variable_count, -len(item.missing)), default=None)


def _is_recognised(found: RecognisedNetwork) -> bool:
    names = [layer.name for layer in found.network.layers]
    is_there = [name in found.layers for name in names]
    part = sum(is_there) / len(is_there)
    trunk = is_there.index(False) if False in is_there else len(is_there)
    return part >= _LEAST_OF_ALL or (part >= _LEAST_OF_TRUNK and trunk == sum(is_there))


# --- names ---------------------------------------------------------------------------------------------------


class _Naming(NamedTuple):
    """One way in which the layers of a network are called where they are stored."""

    network: Network
    names: tuple[str, ...]
    """In the order of ``network.layers``."""


@cache
def _namings() -> tuple[_Naming, ...]:
    return tuple(naming for network in all_networks() for naming in _namings_of(network))


def _namings_of(network: Network) -> Iterator[_Naming]:
    """By their own names; as checkpoints of objects number them; as ``.weights.h5`` does, by class and number."""
    names = [layer.name for layer in network.layers]
    scope, slash, _ = names[0].partition("/")
    outer = scope + slash if all(name.startswith(f"{scope}/") for name in names) else ""
    yield _Naming(network, tuple(name.removeprefix(outer) for name in names))
    ordered = network.in_model_order
    if any(layer.class_name for layer in ordered):
        objects = {layer.name: f"layer_with_weights-{place}" for place, layer in enumerate(ordered)}
        classes = dict(_names_by_class(ordered))
        for alias in (objects, classes):
            yield _Naming(network, tuple(alias[name] for name in names))


def _names_by_class(layers: Iterable[NetworkLayer]) -> Iterator[tuple[str, str]]:
    counts: Counter[str] = Counter()
    for layer in layers:
        name = numbered_name(layer.class_name)
        yield layer.name, f"{name}_{counts[name]}" if counts[name] else name
        counts[name] += 1


_Places = dict[str, list[tuple[str, StoredLayer]]]
"""Every end of a stored name, from a ``/`` on: the scopes before it, and the layer."""


def _places_of(stored: Sequence[StoredLayer]) -> _Places:
    places: _Places = {}
    for name, layer in (*((layer.name, layer) for layer in stored), *_ranked(stored)):
        parts = name.split("/")
        for count in range(max(0, len(parts) - _DEEPEST_SCOPE), len(parts)):
            scope = "/".join(parts[:count])
            places.setdefault("/".join(parts[count:]), []).append((scope, layer))
    return places


def _ranked(stored: Sequence[StoredLayer]) -> Iterator[tuple[str, StoredLayer]]:
    """The layers under names such as ``conv2d#3``: Keras goes on numbering from one model to the next."""
    groups: dict[str, list[tuple[int, StoredLayer]]] = {}
    for layer in stored:
        base, number = class_and_number(layer.name)
        groups.setdefault(base, []).append((number, layer))
    for base, group in groups.items():
        for rank, (_, layer) in enumerate(sorted(group, key=lambda item: item[0])):
            yield f"{base}#{rank}", layer


# --- comparison ----------------------------------------------------------------------------------------------


def _compare(naming: _Naming, stored: Sequence[StoredLayer], places: _Places) -> RecognisedNetwork:
    """How much of a network is there, within the scope that most of it is in."""
    found = [places.get(name, ()) for name in naming.names]
    scopes = Counter(scope for candidates in found for scope, _ in candidates)
    scope = scopes.most_common(1)[0][0] if scopes else ""
    layers: dict[str, StoredLayer] = {}
    changed: dict[str, StoredLayer] = {}
    for layer, candidates in zip(naming.network.layers, found, strict=True):
        there = next((item for place, item in candidates if place == scope), None)
        if there is not None:
            is_same = Counter(layer.variables.values()) == Counter(item.shape for item in there.variables)
            (layers if is_same else changed)[layer.name] = there
    taken = {id(layer) for layer in (*layers.values(), *changed.values())}
    return RecognisedNetwork(
        network=naming.network,
        layers=layers,
        changed=changed,
        others=tuple(layer for layer in stored if id(layer) not in taken),
    )
