"""What was read from an artifact: evidence and the objects it names, before anything is inferred from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

ArtifactFormat = Literal[
    "keras-hdf5",
    "keras-archive",
    "keras-json",
    "keras-yaml",
    "saved-model",
    "graph-def",
    "meta-graph",
    "checkpoint",
    "tflite",
]
ArtifactContent = Literal["model", "weights", "architecture", "graph", "variables"]
Severity = Literal["info", "warning", "error"]
ObjectKind = Literal[
    "layer", "optimizer", "loss", "metric", "initializer", "regularizer", "constraint", "policy", "function", "object"
]

PlainValue = str | int | float | bool | None
Setting = PlainValue | tuple[PlainValue, ...]
"""The value of a key of a configuration: a plain one, or a short list of these."""


class Evidence(NamedTuple):
    """One fact read from an artifact, and the place it was read from."""

    fact: str
    """Kebab-case name of the fact, such as ``keras-version``, ``tensorflow-version``, ``graph-producer``."""

    value: str
    """As recorded, never normalised: escape it before printing."""

    location: str
    """Where it stands, such as ``attribute keras_version of /``."""


class Finding(NamedTuple):
    """Something the user should know about the artifact."""

    reference: str
    """Kebab-case name of the kind of finding."""

    severity: Severity
    message: str
    """One line; whatever stems from the artifact is already escaped."""

    hint: str = ""
    """What to do about it, as one clause."""


class ConfigObject(NamedTuple):
    """One object of a Keras configuration: its class and the keys that its ``config`` holds."""

    class_name: str
    kind: ObjectKind
    """By its place in the configuration; ``object`` where the place does not tell."""

    keys: frozenset[str]
    """Keys of its ``config``; empty for an object that is named by a string alone."""

    location: str
    """Path of keys within the configuration, such as ``model_config.config.layers[2]``."""

    module: str | None = None
    """``module`` of the Keras 3 and tf.keras 2.12+ envelope; ``None`` where the envelope has none."""

    registered_name: str | None = None
    """``registered_name`` of the same envelope, such as ``Custom>Scale``."""

    settings: tuple[tuple[str, Setting], ...] = ()
    """What its ``config`` holds of plain values (strings up to 80 characters) and lists of up to 8 of them, sorted by
    key, for rules on values."""

    most_inputs: int = 1
    """Tensors that it was called with at once, at most, as Keras 2 writes them; 1 where nothing tells of more."""

    call_arguments: frozenset[str] = frozenset()
    """Names of what it was called with by name in the model, unless that is ``null`` or ``false``."""


class Operation(NamedTuple):
    """One operation kind of a graph, with all attributes that its nodes set."""

    name: str
    attributes: frozenset[str]
    nodes: int
    """How many nodes are of this kind, those of library functions included."""

    is_uncalled: bool = False
    """Whether all of these stand in functions that neither the graph nor anything it calls calls."""

    uncalled_attributes: frozenset[str] = frozenset()
    """Those of its attributes that are set in such functions alone."""


class Code(NamedTuple):
    """A part of the artifact that is code, or makes the loader run or read something of its choosing."""

    kind: Literal["lambda-bytecode", "python-operation", "file-operation", "foreign-module"]
    name: str
    location: str
    writer_lines: tuple[str, ...] = ()
    """For marshalled bytecode: Python lines that can have written it, oldest first; empty where unknown."""

    reader_lines: tuple[str, ...] = ()
    """For marshalled bytecode: Python lines in which it means the same, oldest first; empty where unknown."""

    lookups: tuple[str, ...] = ()
    """For marshalled bytecode: global names that it looks up, with attributes, such as ``tf.nn.relu``; sorted."""

    @property
    def needs_trust(self) -> bool:
        """Whether loading or calling the artifact may do something that its owner chose.

        A module is not enough for that: it has to be installed, or passed by the person, to be imported.
        """
        return self.kind != "foreign-module"


class TensorSpec(NamedTuple):
    """An input or output of a model."""

    name: str
    dtype: str
    """TensorFlow's short name, such as ``float32``; empty where unknown."""

    shape: tuple[int | None, ...] | None
    """Batch axis included, ``None`` for an axis of any length; ``None`` for an unknown rank."""


class Signature(NamedTuple):
    """One callable entry of a SavedModel."""

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


class Provenance(NamedTuple):
    """All that was read from one artifact. Nothing in here was guessed."""

    path: Path
    format: ArtifactFormat
    content: ArtifactContent
    size: int
    """Bytes of the file, or of all files of the folder."""

    evidence: tuple[Evidence, ...] = ()
    """In the order in which it stands in the artifact."""

    objects: tuple[ConfigObject, ...] = ()
    """Every object of the Keras configuration, outermost first; empty where there is none."""

    operations: tuple[Operation, ...] = ()
    """Sorted by name; empty for artifacts without a graph."""

    signatures: tuple[Signature, ...] = ()
    tags: tuple[frozenset[str], ...] = ()
    """Tag sets of a SavedModel's graphs."""

    inputs: tuple[TensorSpec, ...] = ()
    """Inputs of a Keras model, as far as its configuration tells."""

    code: tuple[Code, ...] = ()
    findings: tuple[Finding, ...] = ()
    traits: frozenset[str] = frozenset()
    """Kebab-case marks of the container that rules refer to, such as ``keras-model`` or ``compiled``."""

    @property
    def code_readers(self) -> frozenset[str] | None:
        """The Python lines in which all marshalled code means the same; ``None`` where any will do."""
        groups = [frozenset(item.reader_lines) for item in self.code if item.reader_lines]
        return frozenset.intersection(*groups) if groups else None

    def recorded(self, fact: str) -> str | None:
        """The first value recorded for *fact*, as it stands in the artifact."""
        return next(self.values_of(fact), None)

    def values_of(self, fact: str) -> Iterator[str]:
        """Every value recorded for *fact*, in order."""
        return (item.value for item in self.evidence if item.fact == fact)
