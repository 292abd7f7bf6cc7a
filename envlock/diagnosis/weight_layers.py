"""Weights in HDF5, and an architecture -> where the ones do not fit the other, layer by layer.

Format: keras/saving/hdf5_format.py (``layer_names``, ``weight_names``), keras/saving/saving_lib.py (``vars`` of a tree
of objects).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from envlock.artifacts import LocalSource
from envlock.formats.hdf5.file import Hdf5File
from envlock.formats.ranges import RangeReader
from envlock.formats.text import printable
from envlock.knowledge.weight_shapes import Shape, weight_shapes
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
        listed, tree = list(_read_listed(file)), list(_read_tree(file))
    layers = list(_layers_of(architecture))
    if not layers or any(item.class_name.startswith(_QUANTIZED) for item in architecture.objects):
        return
    expected = [layer for layer in layers if layer is not None and layer.shapes]
    if listed:
        yield from _compare_in_order(listed, expected, are_all_known=None not in layers)
    else:
        yield from _compare_by_class(tree, expected)


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


# --- the file ------------------------------------------------------------------------------------------------

_NAMED_GROUPS = ("/", "/model_weights")
_TREES = ("/layers", "/_layer_checkpoint_dependencies")
_VARIABLES = "vars"
_STATE = frozenset({"seed_generator"})
"""What layers keep beside their weights."""


def _read_listed(file: Hdf5File) -> Iterator[LayerWeights]:
    """The layers with weights of a file that lists their names, in the order of the model."""
    for group in _NAMED_GROUPS:
        for name in file.chunked_attribute("layer_names", group):
            place = f"{group.rstrip('/')}/{name}"
            datasets = (file.dataset(f"{place}/{weight}") for weight in file.chunked_attribute("weight_names", place))
            shapes = tuple(dataset.shape for dataset in datasets if dataset is not None)
            if shapes:
                yield LayerWeights(name=name, class_name="", shapes=shapes)


def _read_tree(file: Hdf5File) -> Iterator[LayerWeights]:
    """The layers with weights of a file that has the tree of the model's objects, by class and number."""
    for group in _TREES:
        names = [link.name for link in file.members(group)]
        for name in sorted(names, key=_class_and_number):
            shapes = tuple(_shapes_below(file, f"{group}/{name}"))
            if shapes:
                yield LayerWeights(name=name, class_name=_class_and_number(name)[0], shapes=shapes)


def _class_and_number(name: str) -> tuple[str, int]:
    """``dense_12`` as ``dense`` and 12; the first of a class has no number."""
    head, _, tail = name.rpartition("_")
    return (head, int(tail)) if head and tail.isdecimal() else (name, 0)


def _shapes_below(file: Hdf5File, place: str) -> Iterator[Shape]:
    """The shapes of all variables of a layer and of the objects in it."""
    names = [link.name for link in file.members(place)]
    if _VARIABLES in names:
        variables = [link.name for link in file.members(f"{place}/{_VARIABLES}")]
        for name in sorted(variables, key=lambda name: (len(name), name)):
            dataset = file.dataset(f"{place}/{_VARIABLES}/{name}")
            if dataset is not None:
                yield dataset.shape
    for name in names:
        if name != _VARIABLES and name not in _STATE and file.dataset(f"{place}/{name}") is None:
            yield from _shapes_below(file, f"{place}/{name}")


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
            yield None if shapes is None else LayerWeights(name, _snake_case(item.class_name), shapes)


def _snake_case(class_name: str) -> str:
    """The name that Keras gives to the first layer of a class, such as ``batch_normalization``."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", class_name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
