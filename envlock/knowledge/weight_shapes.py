"""The shapes of the weights of a Keras layer, as far as its configuration tells them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from envlock.knowledge.datafiles import read_toml

Shape = tuple[int | None, ...] | None
"""``None`` for an axis of any length; ``None`` as a whole for an array of any shape."""


def weight_shapes(class_name: str, settings: Mapping[str, object]) -> tuple[Shape, ...] | None:
    """One shape for each weight in the order in which Keras saves them; ``None`` for a class that is not known.

    So it is for a layer whose settings give it other weights, or that lacks those which decide: Keras 1 named them
    otherwise.
    """
    row = _rows().get(class_name)
    if row is None or any(settings.get(name) for name in row.get("not_with", ())):
        return None
    left_out = {number for setting, number in row.get("unless", {}).items() if settings.get(setting) is False}
    try:
        return tuple(_shape(axes, settings) for number, axes in enumerate(row["weights"]) if number not in left_out)
    except LookupError:
        return None


def definite_classes() -> tuple[str, ...]:
    """Classes of layers with weights, whose shapes no release changes."""
    return tuple(name for name, row in _rows().items() if row["weights"] and ["..."] not in row["weights"])


def _shape(axes: list[int | str], settings: Mapping[str, object]) -> Shape:
    return None if axes == ["..."] else tuple(_length(axis, settings) for axis in axes)


def _length(axis: int | str, settings: Mapping[str, object]) -> int | None:
    """The length of an axis.

    Raises:
        LookupError: The setting that decides is not there.
    """
    if isinstance(axis, int):
        return axis
    if axis == "?":
        return None
    factor, _, name = axis.rpartition("*")
    value = settings.get(name)
    if not isinstance(value, int):
        raise LookupError(name)
    return value * int(factor or 1)


@cache
def _rows() -> dict[str, dict[str, Any]]:
    return {name: row for row in read_toml("weight_shapes.toml")["layer"] for name in row["classes"]}
