"""Two Verifications -> Comparison: whether the same artifact computes the same in two environments."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import starmap

from envlock.formats.text import first_line
from envlock.verification import Output, Verification

TOLERANCE = 1e-4
"""Largest difference that releases are taken to have by rounding, absolute or in relation to the output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How far an output of one environment is from that of another."""

    name: str
    """Of the output in the first."""

    absolute: float
    """The largest between two numbers; infinite where only one is a finite number, 0 for strings."""

    relative: float
    """The same in relation to the largest number of the output."""

    @property
    def is_small(self) -> bool:
        """Whether it is within the :data:`TOLERANCE`."""
        return min(self.absolute, self.relative) <= TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What an artifact computes in two environments."""

    differences: tuple[Difference, ...]
    """One for each output, in the order of the first environment; empty where there is an *obstacle*."""

    obstacle: str | None
    """Why the numbers cannot be compared, in one clause."""

    @property
    def agrees(self) -> bool | None:
        """Whether all outputs are the same but for rounding; ``None`` where there is an *obstacle*."""
        return None if self.obstacle is not None else all(item.is_small for item in self.differences)


def compare_outputs(first: Verification, second: Verification) -> Comparison:
    """Compare what the same artifact gave on the same inputs: hand the *recipe* of the first to the second.

    An obstacle speaks of the environment of the first as here, and of that of the second as there.
    """
    obstacle = next(_obstacles(first, second), None)
    if obstacle is not None:
        return Comparison(differences=(), obstacle=obstacle)
    return Comparison(differences=tuple(starmap(_difference, _paired(first, second))), obstacle=None)


def _obstacles(first: Verification, second: Verification) -> Iterator[str]:
    for place, verification in (("here", first), ("there", second)):
        if not verification.predicts:
            verb = "was not called" if verification.loads else "does not load"
            yield f"the model {verb} {place}: {first_line(verification.error or 'no reason given')}"
    if first.inputs != second.inputs:
        yield "the model takes other inputs there"
    if len(first.outputs) != len(second.outputs):
        yield f"the model gives {len(first.outputs)} outputs here and {len(second.outputs)} there"
    for one, other in _paired(first, second):
        if one.shape != other.shape:
            name = f"output {one.name}" if one.name else "an output"
            yield f"{name} has shape {one.shape} here and {other.shape} there"


def _paired(first: Verification, second: Verification) -> list[tuple[Output, Output]]:
    """Outputs of the same name, else those in the same place: some loaders name them, and some do not."""
    others = {output.name: output for output in second.outputs}
    if len(others) == len(second.outputs) and others.keys() == {output.name for output in first.outputs}:
        return [(output, others[output.name]) for output in first.outputs]
    return list(zip(first.outputs, second.outputs, strict=False))


def _difference(first: Output, second: Output) -> Difference:
    absolute = max(map(_distance, first.values, second.values), default=0.0)
    largest = max((abs(value) for value in (*first.values, *second.values) if math.isfinite(value)), default=0.0)
    # Where no number is finite, the distance is 0 or infinite, and so is its part of any.
    return Difference(name=first.name, absolute=absolute, relative=absolute / (largest or 1.0))


def _distance(one: float, other: float) -> float:
    if one == other or (math.isnan(one) and math.isnan(other)):
        return 0.0
    return abs(one - other) if math.isfinite(one) and math.isfinite(other) else math.inf
