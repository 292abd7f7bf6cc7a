"""The inputs of a Keras model, as far as its configuration tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from envlock.provenance import TensorSpec

MODEL_CLASSES = ("Functional", "Model", "Sequential")
"""Classes whose configuration holds layers; no set, which cannot be asked for what a hostile file may hold instead."""

_DEEPEST_MODEL = 50
_LARGEST_RANK = 254  # of any tensor, by tensorflow/core/framework/tensor_shape.h
_SHAPE_KEYS = ("batch_input_shape", "batch_shape")
"""Keras 1 and 2, and Keras 3."""


def read_inputs(model: object) -> tuple[TensorSpec, ...]:
    """The inputs in the order in which the model takes them; empty where the configuration does not tell."""
    if not isinstance(model, dict):
        return ()
    layers = _layers(model.get("config"))
    if model.get("class_name") == "Sequential":
        return _first_input(layers)
    by_name = {str(_layer_name(layer)): layer for layer in layers}
    names = _input_names(model["config"].get("input_layers")) if isinstance(model.get("config"), dict) else iter(())
    # A model takes each input once; a hostile file may name a large one many times over.
    return tuple(_tensor_spec(by_name[name]) for name in dict.fromkeys(names) if name in by_name)


def _first_input(layers: list[dict[str, Any]]) -> tuple[TensorSpec, ...]:
    """The input of a Sequential model: that of its first layer, which may be a model in turn."""
    for _ in range(_DEEPEST_MODEL):
        if not layers:
            break
        first = layers[0]
        if first.get("class_name") not in MODEL_CLASSES:
            spec = _tensor_spec(first)
            return () if spec.shape is None else (spec,)
        if first["class_name"] != "Sequential":
            return read_inputs(first)
        layers = _layers(first.get("config"))
    return ()


def _layers(config: object) -> list[dict[str, Any]]:
    layers = config.get("layers") if isinstance(config, dict) else config
    return [layer for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []


def _layer_name(layer: Mapping[str, Any]) -> object:
    config = layer.get("config")
    return layer.get("name") or (config.get("name") if isinstance(config, dict) else None)


def _input_names(references: object) -> Iterator[str]:
    """Names of layers in ``["name", 0, 0]``, or in lists or dictionaries of such references."""
    pending = [references]
    while pending:
        reference = pending.pop()
        if isinstance(reference, dict):
            pending += list(reference.values())[::-1]
        elif isinstance(reference, list) and reference and isinstance(reference[0], str):
            yield reference[0]
        elif isinstance(reference, list):
            pending += reference[::-1]


def _tensor_spec(layer: Mapping[str, Any]) -> TensorSpec:
    config = layer.get("config")
    settings: Mapping[str, Any] = config if isinstance(config, dict) else {}
    shape = next((settings[key] for key in _SHAPE_KEYS if key in settings), None)
    dtype = settings.get("input_dtype") or settings.get("dtype")  # Keras 1, and all others
    return TensorSpec(name=str(_layer_name(layer) or ""), dtype=_dtype(dtype), shape=_shape(shape))


def _dtype(value: object) -> str:
    """The type itself, or the one that a policy stands for."""
    if isinstance(value, dict):
        config = value.get("config")
        value = config.get("name") if isinstance(config, dict) else None
    # A mixed policy computes in one type and stores in another: it does not tell what the input is.
    return value if isinstance(value, str) and not value.startswith("mixed_") else ""


def _shape(value: object) -> tuple[int | None, ...] | None:
    if isinstance(value, dict):  # a tuple in the envelope of Keras 3
        value = value.get("items") or value.get("config")
    if not isinstance(value, list) or len(value) > _LARGEST_RANK:
        return None
    return tuple(value) if all(axis is None or isinstance(axis, int) for axis in value) else None
