"""A checkpoint or a file of weights -> the layers whose variables it holds, with names and shapes. No number is read.

Formats: keras/saving/hdf5_format.py (``layer_names``, ``weight_names``), keras/saving/saving_lib.py (``vars`` of a tree
of objects).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from pathlib import Path
from typing import NamedTuple

from envlock.artifacts import LocalSource
from envlock.artifacts.checkpoint import VALUE_KEY, read_variables
from envlock.formats.hdf5.file import Hdf5File
from envlock.formats.ranges import RangeReader
from envlock.knowledge.weight_shapes import Shape


class StoredVariable(NamedTuple):
    """One array."""

    key: str
    """What a loader asks for it by. Untrusted, as all names here are."""

    role: str
    """What it is for its layer, such as ``kernel``; a number in the tree of ``.weights.h5``."""

    shape: Shape


class StoredLayer(NamedTuple):
    """The variables of one layer."""

    name: str
    """With the scopes that it is in, such as ``vgg_16/conv1/conv1_1``."""

    variables: tuple[StoredVariable, ...]


def read_checkpoint_layers(path: Path) -> tuple[StoredLayer, ...]:
    """The layers in the checkpoint at *path*, in the order of their keys, without what optimizers keep beside them.

    Raises:
        ArtifactError: It is damaged.
    """
    tensors = {tensor.name.removesuffix(VALUE_KEY): tensor for tensor in read_variables(LocalSource(path))}
    layers: dict[str, list[StoredVariable]] = {}
    for name in _without_companions(tensors.keys()):
        layer, _, role = name.removesuffix(_AVERAGE).rpartition("/")
        # A variable that is of no layer counts something, such as the steps of the training.
        if layer:
            layers.setdefault(layer, []).append(StoredVariable(tensors[name].name, role, tensors[name].shape))
    return tuple(StoredLayer(name, tuple(variables)) for name, variables in layers.items())


def read_listed_layers(file: Hdf5File) -> tuple[StoredLayer, ...]:
    """The layers with weights of a file that lists their names, in the order of the model."""
    return tuple(layer for group in _NAMED_GROUPS for layer in _listed_in(file, group) if layer.variables)


def read_tree_layers(file: Hdf5File) -> tuple[StoredLayer, ...]:
    """The layers with weights of a file that has the tree of the model's objects, by class and number."""
    names = ((group, link.name) for group in _TREES for link in file.members(group))
    places = sorted(names, key=lambda place: class_and_number(place[1]))
    layers = (StoredLayer(name, tuple(_variables_below(file, f"{group}/{name}"))) for group, name in places)
    return tuple(layer for layer in layers if layer.variables)


def read_hdf5_layers(path: Path) -> tuple[StoredLayer, ...]:
    """The layers in the HDF5 file at *path*; of a model within another one, each on its own.

    Raises:
        ArtifactError: It is damaged.
    """
    with LocalSource(path).open() as stream:
        file = Hdf5File(RangeReader(stream))
        listed = read_listed_layers(file)
        return tuple(part for layer in listed for part in _split(layer)) or read_tree_layers(file)


def class_and_number(name: str) -> tuple[str, int]:
    """``dense_12`` as ``dense`` and 12; the first of a class has no number."""
    head, _, tail = name.rpartition("_")
    return (head, int(tail)) if head and tail.isdecimal() and len(tail) <= _LONGEST_NUMBER else (name, 0)


_LONGEST_NUMBER = 9
"""Digits: Python refuses to read thousands of them."""


# --- checkpoints ---------------------------------------------------------------------------------------------

_OF_OPTIMIZERS = re.compile(r"(?:^|/)(?:optimizer|keras_api|\.OPTIMIZER_SLOT)(?:/|$)")
_AVERAGE = "/ExponentialMovingAverage"


def _without_companions(names: Set[str]) -> Iterator[str]:
    """Those of *names* that are of variables, and not of what training keeps of a variable beside it.

    An average stands for its variable where that was not saved itself.
    """
    for name in names:
        variable = name.removesuffix(_AVERAGE)
        is_replaced = variable != name and variable in names
        if not is_replaced and variable.rpartition("/")[0] not in names and not _OF_OPTIMIZERS.search(name):
            yield name


# --- HDF5 ----------------------------------------------------------------------------------------------------

_NAMED_GROUPS = ("/", "/model_weights")
_TREES = ("/layers", "/_layer_checkpoint_dependencies")
_VARIABLES = "vars"
_STATE = frozenset({"seed_generator"})
"""What layers keep beside their weights."""


def _listed_in(file: Hdf5File, group: str) -> Iterator[StoredLayer]:
    for name in file.chunked_attribute("layer_names", group):
        place = f"{group.rstrip('/')}/{name}"
        datasets = (
            (weight, file.dataset(f"{place}/{weight}")) for weight in file.chunked_attribute("weight_names", place)
        )
        variables = (StoredVariable(key, _role(key), data.shape) for key, data in datasets if data is not None)
        yield StoredLayer(name, tuple(variables))


def _role(weight_name: str) -> str:
    """``kernel`` of ``dense/kernel:0``."""
    return weight_name.rpartition("/")[2].partition(":")[0]


def _split(layer: StoredLayer) -> Iterator[StoredLayer]:
    """A model within another one is saved as one layer, whose weights are named by theirs."""
    parts: dict[str, list[StoredVariable]] = {}
    for variable in layer.variables:
        parts.setdefault(variable.key.rpartition("/")[0], []).append(variable)
    if len(parts) < 2:
        yield layer
    else:
        yield from (StoredLayer(name, tuple(variables)) for name, variables in parts.items())


def _variables_below(file: Hdf5File, place: str) -> Iterator[StoredVariable]:
    """All variables of a layer and of the objects in it."""
    names = [link.name for link in file.members(place)]
    if _VARIABLES in names:
        variables = [link.name for link in file.members(f"{place}/{_VARIABLES}")]
        for name in sorted(variables, key=lambda name: (len(name), name)):
            key = f"{place}/{_VARIABLES}/{name}"
            dataset = file.dataset(key)
            if dataset is not None:
                yield StoredVariable(key, name, dataset.shape)
    for name in names:
        if name != _VARIABLES and name not in _STATE and file.dataset(f"{place}/{name}") is None:
            yield from _variables_below(file, f"{place}/{name}")
