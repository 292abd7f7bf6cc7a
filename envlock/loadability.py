"""Provenance and saver to a verdict for every line that might load the artifact.

Three kinds of rules decide: what the container allows, whether the classes and keys of a configuration are known
to the line, and whether the operations of a graph are registered there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Literal, NamedTuple

from envlock.dating import Saver
from envlock.knowledge.custom_objects import find_provider
from envlock.knowledge.keras_schema import SchemaLine, is_known_class, is_known_function
from envlock.knowledge.load_rules import load_rules
from envlock.knowledge.loaders import Loader, keras_loaders, tensorflow_loaders
from envlock.knowledge.operations import contrib_module_of, has_default, is_core_operation, provider_of, registry_of
from envlock.knowledge.specifiers import admits
from envlock.provenance import ConfigObject, Provenance

VerdictName = Literal["loads", "needs-code", "fails", "unknown"]


class Reason(NamedTuple):
    """Why a verdict is what it is."""

    reference: str
    message: str


class Verdict(NamedTuple):
    """What is predicted for one loader."""

    loader: Loader
    verdict: VerdictName
    reasons: tuple[Reason, ...]


class CustomObject(NamedTuple):
    """A class, function or operation that neither Keras nor TensorFlow brings."""

    name: str
    kind: str
    distribution: str | None
    """The distribution that is known to bring it; ``None`` where it must be the person's own."""


def find_custom_objects(provenance: Provenance, saver: Saver) -> tuple[CustomObject, ...]:
    """What the artifact needs beyond Keras and TensorFlow, sorted by name.

    What stands only in the training configuration is left out: a model loads without it. So are operations of the
    ``tf.contrib`` of its saver, which is TensorFlow too.
    """
    found = {
        item.class_name: CustomObject(
            name=item.class_name,
            kind=item.kind,
            distribution=find_provider(item.class_name, item.registered_name),
        )
        for item in _needed_objects(provenance)
        if _is_custom(item)
    }
    found |= {
        operation.name: CustomObject(name=operation.name, kind="operation", distribution=provider_of(operation.name))
        for operation in provenance.operations
        if not is_core_operation(operation.name) and not _is_of_contrib(operation.name, saver)
    }
    return tuple(found[name] for name in sorted(found))


def judge(provenance: Provenance, saver: Saver) -> tuple[Verdict, ...]:
    """Predict for every line of every implementation that can come into question, oldest first."""
    custom = find_custom_objects(provenance, saver)
    return tuple(_judge_loader(provenance, saver, custom, loader) for loader in _loaders_in_question(provenance))


def _loaders_in_question(provenance: Provenance) -> tuple[Loader, ...]:
    if provenance.format.startswith("keras"):
        return keras_loaders()
    if "keras-model" in provenance.traits:
        return keras_loaders() + tensorflow_loaders()
    return tensorflow_loaders()


def _judge_loader(provenance: Provenance, saver: Saver, custom: Collection[CustomObject], loader: Loader) -> Verdict:
    failures = [
        *_container_failures(provenance, saver, loader),
        *_configuration_failures(provenance, saver, custom, loader),
        *_operation_failures(provenance, saver, loader),
        *_bytecode_failures(provenance, loader),
    ]
    if failures:
        return Verdict(loader=loader, verdict="fails", reasons=tuple(failures))
    if custom:
        names = ", ".join(item.name for item in custom)
        reason = Reason(reference="custom-objects", message=f"needs the definitions of {names}")
        return Verdict(loader=loader, verdict="needs-code", reasons=(reason,))
    return Verdict(loader=loader, verdict="loads", reasons=())


# --- container -----------------------------------------------------------------------------------------------


def _container_failures(provenance: Provenance, saver: Saver, loader: Loader) -> Iterator[Reason]:
    if loader in saver.loaders:
        return
    for rule in load_rules():
        if rule.speaks_of(provenance.format, provenance.traits, saver.loaders) and not rule.admits(loader):
            yield Reason(reference=rule.reference, message=rule.message)


# --- Keras configuration -------------------------------------------------------------------------------------


def _configuration_failures(
    provenance: Provenance, saver: Saver, custom: Collection[CustomObject], loader: Loader
) -> Iterator[Reason]:
    if loader.schema is None or _is_converted(saver, loader):
        return
    custom_names = {item.name for item in custom}
    seen: set[tuple[str, frozenset[str]]] = set()
    for item in _needed_objects(provenance):
        if item.class_name in custom_names or (item.class_name, item.keys) in seen:
            continue
        seen.add((item.class_name, item.keys))
        if len(seen) > _KINDS_JUDGED:
            return
        yield from _object_failures(item, loader.schema, loader)


def _is_converted(saver: Saver, loader: Loader) -> bool:
    """Whether the loader rewrites all that the saver can have written."""
    if loader.converts is None or saver.implementation != loader.implementation or not saver.keras_lines:
        return False
    return all(admits(loader.converts, line) for line in saver.keras_lines)


def _object_failures(item: ConfigObject, schema: SchemaLine, loader: Loader) -> Iterator[Reason]:
    if item.kind == "function":
        if not schema.has_function(item.class_name) and schema.find_class(item.class_name) is None:
            yield Reason(reference="unknown-function", message=f"{loader.name} has no function {item.class_name}")
        return
    known = schema.find_class(item.class_name)
    if known is None:
        yield Reason(reference="unknown-class", message=f"{loader.name} has no class {item.class_name}")
        return
    if known.kind == "operation" and item.module is None:
        message = f"{loader.name} looks {item.class_name} up among the layers, and it is an operation"
        yield Reason(reference="unmarked-operation", message=message)
        return
    if known.kind != "operation" and _is_operation(item):
        # The schema knows one class of a name, and here it is the layer.
        return
    # Models rebuild themselves from their configuration; everything else hands its keys to __init__.
    if known.accepts_any_key or item.class_name in loader.models:
        return
    # What a line writes it also takes: from_config may remove keys in ways that cannot be read from its source.
    refused = item.keys - known.accepted - known.handled - known.always_written - known.sometimes_written
    if item.module is None:
        refused -= loader.rewrites.get("*", frozenset()) | loader.rewrites.get(item.class_name, frozenset())
    if refused:
        keys = ", ".join(sorted(refused))
        yield Reason(reference="unknown-key", message=f"{item.class_name} of {loader.name} does not accept {keys}")


def _is_operation(item: ConfigObject) -> bool:
    """Whether it is a function of ``keras.ops`` that was called on a symbolic tensor; Keras 3 has classes for these."""
    return item.module is not None and item.module.startswith(_OPERATION_MODULES)


_OPERATION_MODULES = "keras.src.ops."

# Honest models hold a few dozen kinds of objects; a hostile one must not keep every line busy with thousands.
_KINDS_JUDGED = 1000
_TRAINING = ("training_config", "compile_config")


def _needed_objects(provenance: Provenance) -> Iterable[ConfigObject]:
    """The objects without which no model comes back.

    Those of the training configuration can be left out, and a SavedModel brings the functions of its own layers.
    """
    if provenance.format == "saved-model":
        return ()
    return (item for item in provenance.objects if not item.location.startswith(_TRAINING))


def _is_custom(item: ConfigObject) -> bool:
    if item.kind == "function":
        return not is_known_function(item.class_name) and not is_known_class(item.class_name)
    package = (item.registered_name or "").partition(">")[0]
    if package and package != "Custom" and find_provider(item.class_name, item.registered_name):
        return True
    return not is_known_class(item.class_name)


# --- operations ----------------------------------------------------------------------------------------------


def _is_of_contrib(operation: str, saver: Saver) -> bool:
    """Whether it stems from ``tf.contrib``. Add-ons that carried its operations on registered them anew."""
    return any(contrib_module_of(operation, line) for line in saver.tensorflow_lines)


def _operation_failures(provenance: Provenance, saver: Saver, loader: Loader) -> Iterator[Reason]:
    if not provenance.operations:
        return
    line = loader.line if loader.implementation in {"tf.keras", "tensorflow"} else loader.tensorflow[0]
    registry = registry_of(line)
    if registry is None:
        return
    # Loaders drop attributes that they do not know while these hold their default. A saver that left defaults out
    # has set all attributes that are there to something else.
    is_stripped = provenance.recorded("stripped-default-attributes") == "true"
    missing, unknown_attributes = [], []
    for operation in provenance.operations:
        if not is_core_operation(operation.name):
            if _is_of_contrib(operation.name, saver) and contrib_module_of(operation.name, line) is None:
                missing.append(operation.name)
            continue
        if not registry.has(operation.name):
            missing.append(operation.name)
            continue
        surplus = operation.attributes - registry.attributes(operation.name)
        unknown_attributes += [
            f"{attribute} of {operation.name}"
            for attribute in surplus
            if is_stripped or not has_default(operation.name, attribute)
        ]
    if missing:
        yield Reason(reference="unknown-operation", message=f"TensorFlow {line} does not have {_listed(missing)}")
    if unknown_attributes:
        yield Reason(
            reference="unknown-attribute", message=f"TensorFlow {line} does not know {_listed(unknown_attributes)}"
        )


# --- bytecode ------------------------------------------------------------------------------------------------


def _bytecode_failures(provenance: Provenance, loader: Loader) -> Iterator[Reason]:
    """Marshalled code means something in some Pythons alone, and not every line runs on one of them."""
    readers = provenance.code_readers if provenance.format.startswith("keras") else None
    if readers is not None and readers.isdisjoint(loader.pythons):
        message = f"{loader.name} does not run on Python {_listed(readers)}, which its bytecode is for"
        yield Reason(reference="python-bytecode", message=message)


def _listed(names: Collection[str], limit: int = 5) -> str:
    shown = sorted(names)[:limit]
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(shown) + more
