"""Which rules of the database speak of an artifact."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from envlock.dating import Saver
from envlock.knowledge.load_rules import LoadRule, ObjectPattern, load_rules
from envlock.loadability.objects import objects_of_model
from envlock.provenance import ConfigObject, Provenance


def rules_about(provenance: Provenance, saver: Saver, custom: Collection[str]) -> Iterator[LoadRule]:
    """The rules about it; *custom* are the names of what no Keras brings."""
    operations = {operation.name for operation in provenance.operations}
    for rule in load_rules():
        if not rule.speaks_of(provenance.format, provenance.traits, saver.loaders):
            continue
        if rule.layers and rule.layers.isdisjoint(_layer_names(provenance)):
            continue
        if rule.has_bytecode and provenance.code_readers is None:
            continue
        if (rule.operations and rule.operations.isdisjoint(operations)) or rule.without_operations & operations:
            continue
        if _holds_any(provenance, rule.without, custom):
            continue
        if all(_holds_any(provenance, patterns, custom) for patterns in (rule.objects, rule.beside) if patterns):
            yield rule


def _holds_any(provenance: Provenance, patterns: Iterable[ObjectPattern], custom: Collection[str]) -> bool:
    return any(_is_like(item, pattern, custom) for item in objects_of_model(provenance) for pattern in patterns)


def _is_like(item: ConfigObject, pattern: ObjectPattern, custom: Collection[str]) -> bool:
    has_package = ">" in (item.registered_name or "")
    if pattern.is_custom and (item.class_name not in custom or has_package):
        return False
    if pattern.is_registered and not (item.module and (has_package or ">" in item.class_name)):
        return False
    if pattern.names and (item.class_name not in pattern.names or item.class_name in custom):
        return False
    if pattern.is_unmarked and (item.module is not None or item.class_name in custom):
        return False
    if pattern.modules and item.module not in pattern.modules:
        return False
    if pattern.places and _place(item) not in pattern.places:
        return False
    if pattern.key_endings and not any(key.endswith(pattern.key_endings) for key in item.keys):
        return False
    if pattern.has_several_inputs and item.most_inputs < 2:
        return False
    if pattern.call_arguments and pattern.call_arguments.isdisjoint(item.call_arguments):
        return False
    settings = dict(item.settings)
    if not all(part in str(settings.get(key, "")) for key, part in pattern.holding.items()):
        return False
    lists = {key: value for key, value in settings.items() if isinstance(value, tuple)}
    structured = item.keys - settings.keys() | lists.keys()
    if pattern.structured_keys and pattern.structured_keys.isdisjoint(structured):
        return False
    if pattern.several_keys and not any(len(lists.get(key, ())) > 1 for key in pattern.several_keys):
        return False
    if pattern.open_keys and not any(lists.get(key, ())[-1:] == (None,) for key in pattern.open_keys):
        return False
    is_set = item.keys - {key for key, value in settings.items() if value is None}
    return (
        pattern.values.items() <= settings.items()
        and pattern.set_keys <= is_set
        and pattern.unset_keys.isdisjoint(is_set)
    )


def _layer_names(provenance: Provenance) -> set[str]:
    """The names that a file of weights has for layers, without the number that tells those of a class apart."""
    names = (provenance.recorded("layer-names") or "").split(", ")
    return {name.rstrip("0123456789").rstrip("_") for name in names}


def _place(item: ConfigObject) -> str:
    """The key of another object at which an object stands, itself or in a list."""
    return item.location.rpartition(".")[2].partition("[")[0]
