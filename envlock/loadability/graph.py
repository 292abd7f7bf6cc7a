"""Whether a line has the operations of a graph, or the runtime that they need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envlock.dating import Saver, line_of_label
from envlock.knowledge.load_rules import graph_rules
from envlock.knowledge.loaders import Loader
from envlock.knowledge.operations import contrib_module_of, has_default, registry_of
from envlock.knowledge.specifiers import admits
from envlock.loadability.verdict import Reason, listed
from envlock.provenance import Operation, Provenance


def operation_failures(
    provenance: Provenance, operations: Iterable[Operation], of_contrib: Iterable[str], loader: Loader
) -> Iterator[Reason]:
    """Which *operations* the loader's TensorFlow lacks, or knows without an attribute that is set."""
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
    missing = [name for name in of_contrib if contrib_module_of(name, line) is None]
    unknown_attributes = []
    for operation in operations:
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
        yield Reason(reference="unknown-operation", message=f"TensorFlow {line} does not have {listed(missing)}")
    if unknown_attributes:
        yield Reason(
            reference="unknown-attribute", message=f"TensorFlow {line} does not know {listed(unknown_attributes)}"
        )


def runtime_failures(provenance: Provenance, loader: Loader) -> Iterator[Reason]:
    """Interpreters of TensorFlow Lite say which operations they have built in by their line."""
    required = line_of_label(provenance.recorded("min-runtime-version"))
    if required is not None and admits(f"<{required}", loader.line):
        message = f"its built-in operations need the interpreter of TensorFlow {required} or newer"
        yield Reason(reference="old-runtime", message=message)


def runtime_doubts(provenance: Provenance, saver: Saver, loader: Loader) -> Iterator[Reason]:
    """Interpreters run what older converters wrote; what a newer one wrote may use what they lack."""
    if provenance.format != "tflite" or line_of_label(provenance.recorded("min-runtime-version")):
        return
    if not saver.tensorflow_lines or admits(f"<{saver.tensorflow_lines[0]}", loader.line):
        message = "does not say which interpreter its operations need"
        yield Reason(reference="unknown-runtime", message=message)
