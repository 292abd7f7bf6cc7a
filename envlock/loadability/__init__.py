"""Provenance and saver to a verdict for every line that might load the artifact.

Four kinds of reasons speak against one: `rules` of the database, a class or key of the `configuration` that the line
does not know, an operation of the `graph` that it does not have, and `stored_functions` that do not run there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from envlock.dating import Saver
from envlock.formats.text import printable
from envlock.knowledge.load_rules import LoadRule
from envlock.knowledge.loaders import Loader, keras_loaders, tensorflow_loaders
from envlock.knowledge.operations import is_core_operation, is_gpu_operation
from envlock.loadability.configuration import configuration_failures
from envlock.loadability.custom_objects import LOOKED_UP, CustomObject, find_custom_objects
from envlock.loadability.graph import operation_failures, runtime_doubts, runtime_failures
from envlock.loadability.objects import KINDS_JUDGED, kinds_of, needed_objects, objects_of_model
from envlock.loadability.rules import rules_about
from envlock.loadability.stored_functions import bytecode_failures, dated_lookups, names_looked_up
from envlock.loadability.verdict import Reason, Verdict, VerdictName, listed
from envlock.provenance import ConfigObject, Operation, Provenance

if TYPE_CHECKING:
    from envlock.knowledge.api_uses import DatedName

__all__ = [
    "GPU_OPERATION",
    "LOOKED_UP",
    "CustomObject",
    "Reason",
    "Verdict",
    "VerdictName",
    "find_custom_objects",
    "judge",
    "listed",
    "names_looked_up",
]

_NAMES_SHOWN = 20

GPU_OPERATION = "gpu-operation"
"""The reference of the reason that only builds for GPUs, and not all loaders of a line, load the artifact."""


def judge(provenance: Provenance, saver: Saver) -> tuple[Verdict, ...]:
    """Predict for every line of every implementation that can come into question, oldest first."""
    needs = _sort_out_needs(provenance, saver)
    return tuple(_judge_loader(provenance, saver, needs, loader) for loader in _loaders_in_question(provenance))


class _Needs(NamedTuple):
    """What an artifact asks of every loader alike."""

    custom: tuple[CustomObject, ...]
    rules: tuple[LoadRule, ...]
    """Those that speak of it."""

    objects: tuple[ConfigObject, ...]
    """One of each kind of object that some Keras brings, up to a bound: those without which no model comes back."""

    rebuilt: tuple[ConfigObject, ...]
    """The same of a SavedModel with a Keras model, whose functions stand in for classes that a loader does not know."""

    operations: tuple[Operation, ...]
    """Those that ``import tensorflow`` registers in some line."""

    of_contrib: tuple[str, ...]
    """Operations that were registered by ``tf.contrib``."""

    dated: tuple[DatedName, ...]
    """What stored functions look up of TensorFlow that not all releases have."""

    doubts: tuple[Reason, ...]
    """Why a loader that nothing speaks against is not known to load it all the same."""


def _sort_out_needs(provenance: Provenance, saver: Saver) -> _Needs:
    custom = find_custom_objects(provenance, saver)
    names = {item.name for item in custom if item.kind not in LOOKED_UP}
    kinds = kinds_of(needed_objects(provenance), names)
    is_saved_model = provenance.format == "saved-model"
    rebuilt = kinds_of(objects_of_model(provenance), names) if is_saved_model else ()
    return _Needs(
        custom=custom,
        rules=tuple(rules_about(provenance, saver, names)),
        objects=kinds[:KINDS_JUDGED],
        rebuilt=rebuilt[:KINDS_JUDGED],
        operations=tuple(item for item in provenance.operations if is_core_operation(item.name)),
        of_contrib=tuple(
            item.name for item in provenance.operations if not is_core_operation(item.name) and item.name not in names
        ),
        dated=tuple(dated_lookups(provenance)),
        doubts=(*_doubts(saver, len(kinds)), *_doubts_of_builds(provenance)),
    )


def _doubts(saver: Saver, kinds: int) -> Iterator[Reason]:
    for what, recorded, lines in (
        ("Keras", saver.recorded_keras, saver.keras_lines),
        ("TensorFlow", saver.recorded_tensorflow, saver.tensorflow_lines),
    ):
        if recorded is not None and not lines:
            message = f"was saved by {what} {printable(recorded)}, which the database does not know"
            yield Reason(reference="unknown-saver", message=message)
    if kinds > KINDS_JUDGED:
        message = f"holds {kinds} kinds of objects, of which {KINDS_JUDGED} were looked at"
        yield Reason(reference="too-many-objects", message=message)


def _doubts_of_builds(provenance: Provenance) -> Iterator[Reason]:
    """Lines are judged, of which some builds may have what others lack."""
    names = [operation.name for operation in provenance.operations if is_gpu_operation(operation.name)]
    if names:
        message = f"holds {listed(names)} of TensorRT, which only builds for NVIDIA GPUs on Linux have"
        yield Reason(reference=GPU_OPERATION, message=message)


def _loaders_in_question(provenance: Provenance) -> tuple[Loader, ...]:
    if provenance.format.startswith("keras"):
        return keras_loaders()
    if "keras-model" in provenance.traits:
        return keras_loaders() + tensorflow_loaders()
    return tensorflow_loaders()


def _judge_loader(provenance: Provenance, saver: Saver, needs: _Needs, loader: Loader) -> Verdict:
    failures = (
        *(Reason(rule.reference, rule.message) for rule in needs.rules if not rule.admits(loader)),
        *configuration_failures(saver, needs.objects, needs.rebuilt, loader),
        *operation_failures(provenance, needs.operations, needs.of_contrib, loader),
        *runtime_failures(provenance, loader),
        *bytecode_failures(provenance, needs.dated, loader),
    )
    if failures:
        return Verdict(loader=loader, verdict="fails", reasons=failures)
    doubts = (
        *needs.doubts,
        *(Reason(rule.reference, rule.message) for rule in needs.rules if rule.doubts(loader)),
        *runtime_doubts(provenance, saver, loader),
    )
    if doubts:
        return Verdict(loader=loader, verdict="unknown", reasons=doubts)
    if needs.custom:
        message = f"needs the definitions of {listed([item.name for item in needs.custom], _NAMES_SHOWN)}"
        return Verdict(loader=loader, verdict="needs-code", reasons=(Reason("custom-objects", message),))
    return Verdict(loader=loader, verdict="loads", reasons=())
