"""Weights in HDF5, and an architecture -> where the ones do not fit the other, layer by layer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from envlock.artifacts import LocalSource
from envlock.formats.hdf5.file import Hdf5File
from envlock.formats.ranges import RangeReader
from envlock.formats.text import printable
from envlock.knowledge.networks import numbered_name
from envlock.knowledge.weight_shapes import Shape, weight_shapes
from envlock.networks.stored_weights import StoredLayer, class_and_number, read_listed_layers, read_tree_layers
from envlock.provenance import Provenance


class LayerWeights(NamedTuple):
    """The weights of one layer."""

    name: str
    class_name: str
    """In small letters, such as ``batch_normalization``; empty where a file does not tell."""

    shapes: tuple[Shape, ...]
    """In the order in which Keras saves them."""


class Misfit(NamedTuple):
    """Where weights and an architecture differ."""

    reference: Literal["layer-count", "weight-shape"]
    """Of the failure that Keras reports."""

    told: str
    """One clause; names are escaped."""


def find_misfits(weights: Path, architecture: Provenance) -> Iterator[Misfit]:
    """What Keras would complain of when the *weights* are loaded into the *architecture*: a clause for each layer.

    Layers whose classes are not known are left out, and with them whatever depends on how many layers there are.

    Raises:
        ArtifactError: The file of weights is damaged.
    """
    with LocalSource(weights).open() as stream:
        file = Hdf5File(RangeReader(stream))
        listed, tree = read_listed_layers(file), read_tree_layers(file)
    layers = list(_layers_of(architecture))
    if not layers or any(item.class_name.startswith(_QUANTIZED) for item in architecture.objects):
        return
    expected = [layer for layer in layers if layer is not None and layer.shapes]
    if listed:
        stored = [LayerWeights(layer.name, "", _shapes_of(layer)) for layer in listed]
        yield from _compare_in_order(stored, expected, are_all_known=None not in layers)
    else:
        stored = [LayerWeights(layer.name, class_and_number(layer.name)[0], _shapes_of(layer)) for layer in tree]
        yield from _compare_by_class(stored, expected)


def _shapes_of(layer: StoredLayer) -> tuple[Shape, ...]:
    return tuple(variable.shape for variable in layer.variables)


_QUANTIZED = "Quantized"
"""Under a policy of such a name, kernels are stored in another type, with arrays of their own beside them."""


# --- comparison ----------------------------------------------------------------------------------------------


def _compare_in_order(
    stored: Sequence[LayerWeights], expected: Sequence[LayerWeights], *, are_all_known: bool
) -> Iterator[Misfit]:
    """As Keras loads weights by default: the first layer of the file into the first that has weights, and so on."""
    if len(stored) < len(expected) or (are_all_known and len(stored) != len(expected)):
        told = f"the file has weights of {len(stored)} layers, and {len(expected)} of the architecture take some"
        yield Misfit("layer-count", told)
    by_name = {layer.name: layer for layer in expected}
    if are_all_known and len(stored) == len(expected):
        pairs = list(zip(stored, expected, strict=True))
    else:
        pairs = [(layer, by_name[layer.name]) for layer in stored if layer.name in by_name]
    for found, wanted in pairs:
        yield from _compare(found, wanted)


def _compare_by_class(stored: Sequence[LayerWeights], expected: Sequence[LayerWeights]) -> Iterator[Misfit]:
    """As files do that name layers by class and number."""
    classes = dict.fromkeys(layer.class_name for layer in expected)
    for name in classes:
        found = [layer for layer in stored if layer.class_name == name]
        wanted = [layer for layer in expected if layer.class_name == name]
        if len(found) != len(wanted):
            told = f"the file has weights of {len(found)} {name} layers, and the architecture has {len(wanted)} of them"
            yield Misfit("layer-count", told)
        for one, other in zip(found, wanted, strict=False):
            yield from _compare(one, other)


def _compare(found: LayerWeights, wanted: LayerWeights) -> Iterator[Misfit]:
    is_fitting = len(found.shapes) == len(wanted.shapes) and all(map(_fits, found.shapes, wanted.shapes))
    if not is_fitting:
        name = printable(wanted.name, 80)
        source = "" if found.name == wanted.name else f" {printable(found.name, 80)}"
        told = f"layer {name} takes {_listed(wanted.shapes)}, and the file has{source} {_listed(found.shapes)}"
        yield Misfit("weight-shape", told)


def _fits(found: Shape, wanted: Shape) -> bool:
    if found is None or wanted is None:
        return True
    return len(found) == len(wanted) and all(axis in {None, length} for length, axis in zip(found, wanted, strict=True))


def _listed(shapes: Sequence[Shape]) -> str:
    return ", ".join(map(_described, shapes)) or "no weights"


def _described(shape: Shape) -> str:
    if shape is None:
        return "any"
    return f"({', '.join('any' if axis is None else str(axis) for axis in shape)})"


# --- the architecture ----------------------------------------------------------------------------------------

# Below the name of what holds the configuration; up to Keras 2.2 that of a Sequential was a list.
_PLACE_OF_LAYER = re.compile(r"(?:model_config|config|config\.json)\.config(?:\.layers)?\[\d+\]")


def _layers_of(architecture: Provenance) -> Iterator[LayerWeights | None]:
    """The layers of a model in their order; ``None`` for one of a class whose weights are not known."""
    for item in architecture.objects:
        if _PLACE_OF_LAYER.fullmatch(item.location):
            settings = dict(item.settings)
            shapes = weight_shapes(item.class_name, settings)
            name = str(settings.get("name") or item.class_name)
            yield None if shapes is None else LayerWeights(name, numbered_name(item.class_name), shapes)
