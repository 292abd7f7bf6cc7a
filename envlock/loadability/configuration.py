"""Whether the classes and keys of a Keras configuration are known to a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envlock.dating import Saver
from envlock.knowledge.keras_schema import SchemaLine
from envlock.knowledge.load_rules import graph_rules, module_rules
from envlock.knowledge.loaders import Loader
from envlock.knowledge.specifiers import admits
from envlock.loadability.verdict import Reason
from envlock.provenance import ConfigObject


def configuration_failures(
    saver: Saver, objects: Iterable[ConfigObject], rebuilt: Iterable[ConfigObject], loader: Loader
) -> Iterator[Reason]:
    """What of the configuration the loader refuses; of what it *rebuilt* in a SavedModel, that alone which stops it."""
    if loader.schema is None or _is_converted(saver, loader):
        return
    for item in objects:
        yield from object_failures(item, loader.schema, loader)
    if graph_rules().rebuilds(loader):
        for item in rebuilt:
            failures = object_failures(item, loader.schema, loader)
            yield from (reason for reason in failures if reason.reference == "unknown-key")


def _is_converted(saver: Saver, loader: Loader) -> bool:
    """Whether the loader rewrites all that the saver can have written."""
    if loader.converts is None or saver.implementation != loader.implementation or not saver.keras_lines:
        return False
    return all(admits(loader.converts, line) for line in saver.keras_lines)


def object_failures(item: ConfigObject, schema: SchemaLine, loader: Loader) -> Iterator[Reason]:
    """Why the line does not take the object."""
    if item.kind == "function":
        if not schema.has_function(item.class_name) and schema.find_class(item.class_name) is None:
            yield Reason(reference="unknown-function", message=f"{loader.name} has no function {item.class_name}")
        return
    known = schema.find_class(item.class_name)
    if known is None or (item.module is None and known.module.startswith(module_rules().left_behind)):
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
    return item.module is not None and item.module.startswith(module_rules().operations)
