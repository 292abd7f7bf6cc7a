"""How each piece of evidence narrows down what can have written an artifact.

Takes a Provenance, gives the steps: the artifact is dated again with one more piece of evidence each time, so that
what is told here is what the rules of dating did, whatever these are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from envlock.dating import Saver, date_artifact
from envlock.provenance import Evidence, Provenance


class Narrowing(NamedTuple):
    """One step towards the saver."""

    evidence: Evidence | None
    """What was recorded; ``None`` where the classes and keys of the configuration tell."""

    saver: Saver
    """What is left after the step."""


def trace_narrowing(provenance: Provenance) -> tuple[Narrowing, ...]:
    """The steps that changed what can have written the artifact; empty where nothing in it tells."""
    steps = []
    known = date_artifact(provenance._replace(evidence=(), objects=(), code=()))
    for evidence, partial in _unfolding(provenance):
        saver = date_artifact(partial)
        if _window(saver) != _window(known):
            steps.append(Narrowing(evidence=evidence, saver=saver))
        known = saver
    return tuple(steps)


def _unfolding(provenance: Provenance) -> Iterator[tuple[Evidence | None, Provenance]]:
    """The provenance with ever more of its evidence: records first, then all that it holds."""
    told: dict[str, Evidence] = {}
    for item in provenance.evidence:
        # Of several records of one fact, the first is looked at.
        if item.fact not in told:
            told[item.fact] = item
            yield item, provenance._replace(evidence=tuple(told.values()), objects=(), code=())
    yield None, provenance._replace(code=())


def _window(saver: Saver) -> tuple[object, ...]:
    return saver.loaders, saver.tensorflow_lines, saver.keras_lines
