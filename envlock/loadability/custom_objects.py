"""What an artifact needs beyond Keras and TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from envlock.dating import Saver
from envlock.knowledge.custom_objects import find_provider
from envlock.knowledge.global_names import module_called
from envlock.knowledge.keras_schema import SchemaLine, is_known_class, is_known_function
from envlock.knowledge.loaders import Loader, own_packages
from envlock.knowledge.operations import contrib_module_of, is_core_operation, provider_of
from envlock.loadability.configuration import object_failures
from envlock.loadability.objects import KINDS_JUDGED, kinds_of, needed_objects
from envlock.loadability.stored_functions import names_looked_up
from envlock.provenance import ConfigObject, Provenance

_NOT_OF_KERAS = frozenset({"unknown-class", "unknown-function", "unknown-key"})

LOOKED_UP = frozenset({"global", "module"})
"""Kinds of what is no class or function that Keras asks for, but something that a stored function looks up by name."""


class CustomObject(NamedTuple):
    """A class, function or operation that neither Keras nor TensorFlow brings."""

    name: str
    kind: str
    """What it is to Keras, or to stored functions; see :data:`LOOKED_UP`."""

    distribution: str | None
    """The distribution that is known to bring it; ``None`` where it must be the person's own."""


def find_custom_objects(provenance: Provenance, saver: Saver) -> tuple[CustomObject, ...]:
    """What the artifact needs beyond Keras and TensorFlow, sorted by name.

    What stands only in the training configuration is left out: a model loads without it. So are operations of the
    ``tf.contrib`` of its saver, which is TensorFlow too.
    """
    kinds = kinds_of(needed_objects(provenance), custom=())[:KINDS_JUDGED]
    namesakes = {item.class_name for item in kinds if _is_namesake(item, saver)}
    found = {item.name: item for item in _undefined_names(provenance)}
    found |= {
        item.class_name: CustomObject(
            name=item.class_name,
            kind=item.kind,
            distribution=find_provider(item.class_name, item.registered_name),
        )
        for item in needed_objects(provenance)
        if _is_custom(item) or item.class_name in namesakes
    }
    found |= {
        operation.name: CustomObject(name=operation.name, kind="operation", distribution=provider_of(operation.name))
        for operation in provenance.operations
        if not is_core_operation(operation.name) and not _is_of_contrib(operation.name, saver)
    }
    return tuple(found[name] for name in sorted(found))


def _is_custom(item: ConfigObject) -> bool:
    if item.kind == "function":
        return not is_known_function(item.class_name) and not is_known_class(item.class_name)
    package = (item.registered_name or "").partition(">")[0]
    if package and package != "Custom" and find_provider(item.class_name, item.registered_name):
        return True
    return not is_known_class(item.class_name)


def _is_namesake(item: ConfigObject, saver: Saver) -> bool:
    """Whether it only has the name of something that Keras brings: that which wrote it does not know it so."""
    if saver.recorded_keras is None or (item.module or "").partition(".")[0] in own_packages():
        # Without a version, any of dozens of lines can have written it; and one of Keras's modules is not somebody's.
        return False
    schemas = [(loader.schema, loader) for loader in saver.loaders if loader.schema is not None]
    return bool(schemas) and all(_is_of_others(item, schema, loader) for schema, loader in schemas)


def _is_of_others(item: ConfigObject, schema: SchemaLine, loader: Loader) -> bool:
    return any(reason.reference in _NOT_OF_KERAS for reason in object_failures(item, schema, loader))


def _undefined_names(provenance: Provenance) -> Iterator[CustomObject]:
    """Those that only somebody's own code has, or an add-on."""
    for name in names_looked_up(provenance):
        module = module_called(name)
        if module is None:
            yield CustomObject(name=name, kind="global", distribution=None)
        elif module.distribution is not None:
            yield CustomObject(name=name, kind="module", distribution=module.distribution)


def _is_of_contrib(operation: str, saver: Saver) -> bool:
    """Whether it stems from ``tf.contrib``. Add-ons that carried its operations on registered them anew."""
    return any(contrib_module_of(operation, line) for line in saver.tensorflow_lines)
