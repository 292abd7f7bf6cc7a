"""The objects of a configuration that matter to a loader."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from envlock.knowledge.load_rules import graph_rules
from envlock.provenance import ConfigObject, Provenance

# Honest models hold a few dozen kinds of objects; a hostile one must not keep every line busy with thousands.
KINDS_JUDGED = 1000

_TRAINING = ("training_config", "compile_config")


def is_of_training(location: str) -> bool:
    """Whether something stands in the training configuration, which a loader can leave out."""
    return location.startswith(_TRAINING)


def needed_objects(provenance: Provenance) -> Iterable[ConfigObject]:
    """The objects without which no model comes back.

    A SavedModel brings the functions of its own layers; a Sequential one makes its input anew.
    """
    if provenance.format != "saved-model":
        return objects_of_model(provenance)
    inputs = (item for item in objects_of_model(provenance) if item.class_name in graph_rules().made_anew)
    return inputs if "sequential" in provenance.traits else ()


def objects_of_model(provenance: Provenance) -> Iterable[ConfigObject]:
    """All objects but those of the training configuration, which can be left out."""
    return (item for item in provenance.objects if not is_of_training(item.location))


def kinds_of(objects: Iterable[ConfigObject], custom: Collection[str]) -> tuple[ConfigObject, ...]:
    """One of each kind, without those that no Keras brings."""
    kinds = {(item.class_name, item.keys, item.module): item for item in objects if item.class_name not in custom}
    return tuple(kinds.values())
