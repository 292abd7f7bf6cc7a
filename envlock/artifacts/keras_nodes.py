"""The Keras objects of a SavedModel, from their JSON texts to evidence and configuration objects.

tf.keras keeps one JSON text for each object: that of the root holds the versions and, where the model has one, its
whole configuration; those of the layers repeat their part of it, and are all there is of a subclassed model.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from envlock.artifacts.keras_config import KerasConfiguration, read_configuration, read_objects, read_training_code
from envlock.artifacts.meta_graph import KerasNode
from envlock.errors import DamagedFileError, LimitExceededError
from envlock.formats.json_text import parse_json
from envlock.formats.text import printable
from envlock.provenance import Code, ConfigObject, Evidence, TensorSpec

_FACTS = {"keras_version": "keras-version", "backend": "backend"}
_METRIC = "_tf_keras_metric"
_MOST_LAYERS = 20_000
_SEQUENCES = ("__tuple__", "TensorShape")  # no set: what is looked for may be anything
"""What stands for a tuple or shape, as ``{"class_name": ..., "items": [...]}``; files of Keras hold plain lists."""


class KerasPart(NamedTuple):
    """What a SavedModel says to Keras; empty where it is no Keras model."""

    evidence: tuple[Evidence, ...] = ()
    objects: tuple[ConfigObject, ...] = ()
    inputs: tuple[TensorSpec, ...] = ()
    code: tuple[Code, ...] = ()
    traits: frozenset[str] = frozenset()


def read_keras_nodes(nodes: Sequence[KerasNode]) -> KerasPart:
    """Read the configurations of all *nodes*, where the root is a Keras object with one.

    Keras loads nothing from a SavedModel whose root it does not know, whatever layers it holds further in.

    Raises:
        ArtifactError: A configuration is no JSON, or larger than any model needs; or there are too many.
    """
    root = next((node for node in nodes if node.is_root and node.metadata), None)
    if root is None:
        return KerasPart()
    metadata = _parse(root)
    layers = [node for node in nodes if node is not root and node.metadata and node.identifier != _METRIC]
    if len(layers) > _MOST_LAYERS:
        raise LimitExceededError(root.location, what="number of Keras layers", limit=_MOST_LAYERS, found=len(layers))
    model = _read_model(metadata)
    parts = [model, *_read_layers(layers, known=model.objects)]
    training = metadata.get("training_config")
    return KerasPart(
        evidence=tuple(_read_evidence(metadata, location=root.location)),
        objects=(
            *(item for part in parts for item in part.objects),
            *read_objects(training, location="training_config"),
        ),
        inputs=model.inputs,
        code=(
            *(item for part in parts for item in part.code),
            *read_training_code(training, location="training_config"),
        ),
        traits=model.traits | {"keras-model", *(["compiled"] if training else [])},
    )


def _parse(node: KerasNode) -> dict[str, object]:
    where = printable(node.location)
    metadata = _plain(parse_json(node.metadata, where=where))
    if not isinstance(metadata, dict):
        raise DamagedFileError(where, "the configuration of a Keras object is no JSON object")
    return metadata


def _plain(value: object) -> object:
    """*value* with lists for the objects that stand for tuples and shapes. Its depth is bounded by the parser."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    items = value.get("items")
    if isinstance(items, list) and value.get("class_name") in _SEQUENCES:
        return [_plain(item) for item in items]
    return {key: _plain(item) for key, item in value.items()}


def _read_evidence(metadata: dict[str, object], *, location: str) -> Iterator[Evidence]:
    for key, fact in _FACTS.items():
        value = metadata.get(key)
        if isinstance(value, str):
            yield Evidence(fact=fact, value=value, location=f"{location}.{key}")


def _read_model(metadata: dict[str, object]) -> KerasConfiguration:
    """The configuration of the model; a subclassed model may have none."""
    return _read_configuration(metadata.get("model_config") or _envelope(metadata), location="model_config")


def _read_layers(layers: Iterable[KerasNode], *, known: Collection[ConfigObject]) -> Iterator[KerasConfiguration]:
    """The configurations of those layers that the model's own does not hold already."""
    seen = {_identity(item) for item in known}
    for layer in layers:
        configuration = _read_configuration(_envelope(_parse(layer)), location=layer.location)
        new = {_identity(item) for item in configuration.objects[:1]} - seen
        if new:
            seen |= new
            yield configuration


def _read_configuration(envelope: object, *, location: str) -> KerasConfiguration:
    if isinstance(envelope, dict) and isinstance(envelope.get("class_name"), str) and "config" in envelope:
        return read_configuration(envelope, location=location)
    return KerasConfiguration(objects=(), inputs=(), code=(), traits=frozenset())


def _envelope(metadata: dict[str, object]) -> dict[str, object]:
    """The part of an object's metadata that the configuration of a model holds of it."""
    return {key: metadata[key] for key in ("class_name", "config", "registered_name") if key in metadata}


def _identity(item: ConfigObject) -> tuple[object, ...]:
    """What tells one layer from another: its settings hold its name, which is its own in a model."""
    return item.class_name, item.keys, item.settings
