"""Provenance and saver to a verdict for every line that might load the artifact.

Three kinds of rules decide: what the container allows, whether the classes and keys of a configuration are known
to the line, and whether the operations of a graph are registered there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

from envlock.dating import Saver, line_of_label
from envlock.formats.text import printable
from envlock.knowledge.custom_objects import find_provider
from envlock.knowledge.global_names import is_builtin, module_called
from envlock.knowledge.keras_schema import SchemaLine, is_known_class, is_known_function
from envlock.knowledge.load_rules import LoadRule, ObjectPattern, graph_rules, load_rules, module_rules
from envlock.knowledge.loaders import Loader, keras_loaders, own_packages, tensorflow_loaders
from envlock.knowledge.operations import contrib_module_of, has_default, is_core_operation, provider_of, registry_of
from envlock.knowledge.specifiers import admits
from envlock.provenance import ConfigObject, Operation, Provenance

if TYPE_CHECKING:
    from envlock.knowledge.api_uses import DatedName

VerdictName = Literal["loads", "needs-code", "fails", "unknown"]


LOOKED_UP = frozenset({"global", "module"})
"""Kinds of what is no class or function that Keras asks for, but something that a stored function looks up by name."""


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
    """What it is to Keras, or to stored functions; see :data:`LOOKED_UP`."""

    distribution: str | None
    """The distribution that is known to bring it; ``None`` where it must be the person's own."""


def find_custom_objects(provenance: Provenance, saver: Saver) -> tuple[CustomObject, ...]:
    """What the artifact needs beyond Keras and TensorFlow, sorted by name.

    What stands only in the training configuration is left out: a model loads without it. So are operations of the
    ``tf.contrib`` of its saver, which is TensorFlow too.
    """
    kinds = _kinds_of(_needed_objects(provenance), custom=())[:_KINDS_JUDGED]
    namesakes = {item.class_name for item in kinds if _is_namesake(item, saver)}
    found = {item.name: item for item in _undefined_names(provenance)}
    found |= {
        item.class_name: CustomObject(
            name=item.class_name,
            kind=item.kind,
            distribution=find_provider(item.class_name, item.registered_name),
        )
        for item in _needed_objects(provenance)
        if _is_custom(item) or item.class_name in namesakes
    }
    found |= {
        operation.name: CustomObject(name=operation.name, kind="operation", distribution=provider_of(operation.name))
        for operation in provenance.operations
        if not is_core_operation(operation.name) and not _is_of_contrib(operation.name, saver)
    }
    return tuple(found[name] for name in sorted(found))


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
    kinds = _kinds_of(_needed_objects(provenance), names)
    is_saved_model = provenance.format == "saved-model"
    rebuilt = _kinds_of(_objects_of_model(provenance), names) if is_saved_model else ()
    return _Needs(
        custom=custom,
        rules=tuple(_rules_about(provenance, saver, names)),
        objects=kinds[:_KINDS_JUDGED],
        rebuilt=rebuilt[:_KINDS_JUDGED],
        operations=tuple(item for item in provenance.operations if is_core_operation(item.name)),
        of_contrib=tuple(
            item.name for item in provenance.operations if not is_core_operation(item.name) and item.name not in names
        ),
        dated=tuple(_dated_lookups(provenance)),
        doubts=tuple(_doubts(saver, len(kinds))),
    )


def _kinds_of(objects: Iterable[ConfigObject], custom: Collection[str]) -> tuple[ConfigObject, ...]:
    """One of each kind, without those that no Keras brings."""
    kinds = {(item.class_name, item.keys, item.module): item for item in objects if item.class_name not in custom}
    return tuple(kinds.values())


def _doubts(saver: Saver, kinds: int) -> Iterator[Reason]:
    for what, recorded, lines in (
        ("Keras", saver.recorded_keras, saver.keras_lines),
        ("TensorFlow", saver.recorded_tensorflow, saver.tensorflow_lines),
    ):
        if recorded is not None and not lines:
            message = f"was saved by {what} {printable(recorded)}, which the database does not know"
            yield Reason(reference="unknown-saver", message=message)
    if kinds > _KINDS_JUDGED:
        message = f"holds {kinds} kinds of objects, of which {_KINDS_JUDGED} were looked at"
        yield Reason(reference="too-many-objects", message=message)


def _loaders_in_question(provenance: Provenance) -> tuple[Loader, ...]:
    if provenance.format.startswith("keras"):
        return keras_loaders()
    if "keras-model" in provenance.traits:
        return keras_loaders() + tensorflow_loaders()
    return tensorflow_loaders()


def _judge_loader(provenance: Provenance, saver: Saver, needs: _Needs, loader: Loader) -> Verdict:
    failures = (
        *(Reason(rule.reference, rule.message) for rule in needs.rules if not rule.admits(loader)),
        *_configuration_failures(saver, needs, loader),
        *_operation_failures(provenance, needs, loader),
        *_runtime_failures(provenance, loader),
        *_bytecode_failures(provenance, needs, loader),
    )
    if failures:
        return Verdict(loader=loader, verdict="fails", reasons=failures)
    doubts = (
        *needs.doubts,
        *(Reason(rule.reference, rule.message) for rule in needs.rules if rule.doubts(loader)),
        *_runtime_doubts(provenance, saver, loader),
    )
    if doubts:
        return Verdict(loader=loader, verdict="unknown", reasons=doubts)
    if needs.custom:
        message = f"needs the definitions of {_listed([item.name for item in needs.custom], _NAMES_SHOWN)}"
        return Verdict(loader=loader, verdict="needs-code", reasons=(Reason("custom-objects", message),))
    return Verdict(loader=loader, verdict="loads", reasons=())


# --- rules ---------------------------------------------------------------------------------------------------


def _rules_about(provenance: Provenance, saver: Saver, custom: Collection[str]) -> Iterator[LoadRule]:
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
    return any(_is_like(item, pattern, custom) for item in _objects_of_model(provenance) for pattern in patterns)


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


# --- Keras configuration -------------------------------------------------------------------------------------


def _configuration_failures(saver: Saver, needs: _Needs, loader: Loader) -> Iterator[Reason]:
    if loader.schema is None or _is_converted(saver, loader):
        return
    for item in needs.objects:
        yield from _object_failures(item, loader.schema, loader)
    if graph_rules().rebuilds(loader):
        for item in needs.rebuilt:
            failures = _object_failures(item, loader.schema, loader)
            yield from (reason for reason in failures if reason.reference == "unknown-key")


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


# Honest models hold a few dozen kinds of objects; a hostile one must not keep every line busy with thousands.
_KINDS_JUDGED = 1000
_NAMES_SHOWN = 20
_NOT_OF_KERAS = frozenset({"unknown-class", "unknown-function", "unknown-key"})
_TRAINING = ("training_config", "compile_config")


def _needed_objects(provenance: Provenance) -> Iterable[ConfigObject]:
    """The objects without which no model comes back.

    A SavedModel brings the functions of its own layers; a Sequential one makes its input anew.
    """
    if provenance.format != "saved-model":
        return _objects_of_model(provenance)
    inputs = (item for item in _objects_of_model(provenance) if item.class_name in graph_rules().made_anew)
    return inputs if "sequential" in provenance.traits else ()


def _objects_of_model(provenance: Provenance) -> Iterable[ConfigObject]:
    """All objects but those of the training configuration, which can be left out."""
    return (item for item in provenance.objects if not item.location.startswith(_TRAINING))


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
    return any(reason.reference in _NOT_OF_KERAS for reason in _object_failures(item, schema, loader))


# --- operations ----------------------------------------------------------------------------------------------


def _is_of_contrib(operation: str, saver: Saver) -> bool:
    """Whether it stems from ``tf.contrib``. Add-ons that carried its operations on registered them anew."""
    return any(contrib_module_of(operation, line) for line in saver.tensorflow_lines)


def _operation_failures(provenance: Provenance, needs: _Needs, loader: Loader) -> Iterator[Reason]:
    if not provenance.operations:
        return
    line = loader.line if loader.implementation in {"tf.keras", "tensorflow"} else loader.tensorflow[0]
    registry = registry_of(line)
    if registry is None:
        return
    rules = graph_rules()
    checks_attributes = not admits(rules.ignores_unknown_attributes, line)
    # Attributes that are not known do no harm while they hold their default, except in a graph without a list of its
    # saver's operations. A saver that left defaults out has set all that are there to something else.
    is_strict = provenance.format == "graph-def" or provenance.recorded("stripped-default-attributes") == "true"
    has_object_graph = provenance.format == "saved-model" and "graph-only" not in provenance.traits
    makes_variables = has_object_graph and admits(rules.makes_variables, line)
    looks_everywhere = rules.looks_everywhere(loader)
    missing = [name for name in needs.of_contrib if contrib_module_of(name, line) is None]
    unknown_attributes = []
    for operation in needs.operations:
        if operation.is_uncalled and not looks_everywhere:
            continue
        if not registry.has(operation.name):
            missing.append(operation.name)
        elif checks_attributes and not (makes_variables and operation.name in rules.variable_operations):
            surplus = operation.attributes - registry.attributes(operation.name)
            if not looks_everywhere:
                surplus -= operation.uncalled_attributes
            unknown_attributes += [
                f"{attribute} of {operation.name}"
                for attribute in surplus
                if is_strict or not has_default(operation.name, attribute)
            ]
    if missing:
        yield Reason(reference="unknown-operation", message=f"TensorFlow {line} does not have {_listed(missing)}")
    if unknown_attributes:
        yield Reason(
            reference="unknown-attribute", message=f"TensorFlow {line} does not know {_listed(unknown_attributes)}"
        )


# --- TensorFlow Lite ---------------------------------------------------------------------------------------------


def _runtime_failures(provenance: Provenance, loader: Loader) -> Iterator[Reason]:
    required = line_of_label(provenance.recorded("min-runtime-version"))
    if required is not None and admits(f"<{required}", loader.line):
        message = f"its built-in operations need the interpreter of TensorFlow {required} or newer"
        yield Reason(reference="old-runtime", message=message)


def _runtime_doubts(provenance: Provenance, saver: Saver, loader: Loader) -> Iterator[Reason]:
    """Interpreters run what older converters wrote; what a newer one wrote may use what they lack."""
    if provenance.format != "tflite" or line_of_label(provenance.recorded("min-runtime-version")):
        return
    if not saver.tensorflow_lines or admits(f"<{saver.tensorflow_lines[0]}", loader.line):
        message = "does not say which interpreter its operations need"
        yield Reason(reference="unknown-runtime", message=message)


# --- bytecode ------------------------------------------------------------------------------------------------


def _bytecode_failures(provenance: Provenance, needs: _Needs, loader: Loader) -> Iterator[Reason]:
    """Marshalled code means something in some Pythons alone, and not every line runs on one of them."""
    readers = provenance.code_readers if provenance.format.startswith("keras") else None
    if readers is not None and readers.isdisjoint(loader.pythons):
        message = f"{loader.name} does not run on Python {_listed(readers)}, which its bytecode is for"
        yield Reason(reference="python-bytecode", message=message)
    missing = [item.name for item in needs.dated if not any(admits(item.releases, line) for line in loader.tensorflow)]
    if missing:
        message = f"a stored function looks up {_listed(missing)}, which no TensorFlow has that {loader.name} runs on"
        yield Reason(reference="missing-name", message=message)


def names_looked_up(provenance: Provenance) -> tuple[str, ...]:
    """Global names that the stored functions of a Keras model look up, and that their Python does not have; sorted.

    A SavedModel brings what its functions compute, and can do without.
    """
    return tuple(sorted({dotted.partition(".")[0] for dotted in _lookups(provenance)}))


def _lookups(provenance: Provenance) -> Iterator[str]:
    if provenance.format.startswith("keras"):
        for item in provenance.code:
            if not item.location.startswith(_TRAINING):
                pythons = item.reader_lines
                yield from (dotted for dotted in item.lookups if not is_builtin(dotted.partition(".")[0], pythons))


def _undefined_names(provenance: Provenance) -> Iterator[CustomObject]:
    """Those that only somebody's own code has, or an add-on."""
    for name in names_looked_up(provenance):
        module = module_called(name)
        if module is None:
            yield CustomObject(name=name, kind="global", distribution=None)
        elif module.distribution is not None:
            yield CustomObject(name=name, kind="module", distribution=module.distribution)


def _dated_lookups(provenance: Provenance) -> Iterator[DatedName]:
    for dotted in dict.fromkeys(_lookups(provenance)):
        name, _, rest = dotted.partition(".")
        module = module_called(name)
        if module is not None and module.expression == _TENSORFLOW and rest:
            # Few models hold code.
            from envlock.knowledge.api_uses import dated_names

            yield from (item for item in dated_names(f"tensorflow.{rest}") if item.distribution == "tensorflow")


_TENSORFLOW = "tf"


def _listed(names: Collection[str], limit: int = 5) -> str:
    shown = sorted(names)[:limit]
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(shown) + more
