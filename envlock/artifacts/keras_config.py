"""Keras configurations, from parsed JSON to the objects, inputs and code that they describe.

Takes what ``model_config``, ``training_config`` or ``config.json`` hold, in the form of any Keras since 1.0:
``{"class_name": …, "config": …}``, with ``module`` and ``registered_name`` beside them in newer ones, or
``{"name": …}`` for the regularizers and constraints of Keras 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from envlock.artifacts.keras_code import read_bare_lambda, read_code
from envlock.artifacts.keras_inputs import MODEL_CLASSES, read_inputs
from envlock.errors import DamagedFileError, LimitExceededError
from envlock.formats.text import printable
from envlock.provenance import Code, ConfigObject, ObjectKind, Setting, TensorSpec

_LONGEST_SETTING = 80
_LONGEST_LIST = 8
_LONGEST_KEY = 60
_LONGEST_LOCATION = 500
_MOST_OBJECTS = 50_000
_NESTING = (dict, list, str)
_PARTS_OF_FUNCTION = 3

# Where values are of no interest: shapes and tensors between layers, and what is done once a model stands.
_PASSED_OVER = frozenset({"inbound_nodes", "build_config", "compile_config"})

_FUNCTION_CLASSES = frozenset({"function", "builtin_function_or_method"})


class KerasConfiguration(NamedTuple):
    """What the configuration of a model describes."""

    objects: tuple[ConfigObject, ...]
    inputs: tuple[TensorSpec, ...]
    code: tuple[Code, ...]
    traits: frozenset[str]


def read_configuration(config: object, *, location: str) -> KerasConfiguration:
    """Read the configuration of a whole model.

    Raises:
        DamagedFileError: *config* does not describe a model.
    """
    if not _is_object(config):
        raise DamagedFileError(location, "describes no Keras model: it has no class_name and config")
    found = tuple(_walk(config, location))
    return KerasConfiguration(
        objects=_objects(found),
        inputs=read_inputs(config),
        code=_code(found),
        traits=frozenset(_traits(found)),
    )


def read_objects(config: object, *, location: str) -> tuple[ConfigObject, ...]:
    """Every object that the configuration of a model or of its training names, in its order, outermost first.

    *location* is how the configuration itself is called; the locations of its objects begin with it.
    """
    return _objects(_walk(config, location))


def read_training_code(config: object, *, location: str) -> tuple[Code, ...]:
    """Code in the configuration of a model's training."""
    return _code(_walk(config, location))


# --- the walk ------------------------------------------------------------------------------------------------


class _Place(NamedTuple):
    """What stands at a key of a configuration."""

    kind: ObjectKind
    names_function: bool = False
    """Whether a string here is the name of a function, or of a class in lower case."""


class _Found(NamedTuple):
    """An object, the name of a function, or the code of one."""

    value: Any
    place: _Place
    location: str


_ANYWHERE = _Place("object")
_FUNCTION = _Place("function", names_function=True)
_LAYER = _Place("layer")

_PLACES: dict[str, _Place] = {
    **dict.fromkeys(("layers", "layer", "cell", "cells", "forward_layer", "backward_layer"), _LAYER),
    **dict.fromkeys(("dtype", "dtype_policy", "policy"), _Place("policy")),
    **dict.fromkeys(("optimizer", "optimizer_config", "inner_optimizer"), _Place("optimizer")),
    **dict.fromkeys(("init", "inner_init"), _Place("initializer", names_function=True)),
    "fn": _FUNCTION,
}
_PLACES_BY_ENDING: tuple[tuple[str, _Place], ...] = (
    ("activation", _FUNCTION),
    ("initializer", _Place("initializer", names_function=True)),
    ("regularizer", _Place("regularizer", names_function=True)),
    ("constraint", _Place("constraint", names_function=True)),
)
_TRAINING_PLACES: dict[str, _Place] = {
    "optimizer": _Place("optimizer", names_function=True),
    "optimizer_config": _Place("optimizer"),
    "loss": _Place("loss", names_function=True),
    **dict.fromkeys(("metrics", "weighted_metrics"), _Place("metric", names_function=True)),
}


def _walk(config: object, location: str) -> Iterator[_Found]:
    """Objects and names of functions, each before what stands within it.

    Raises:
        LimitExceededError: There are more of them than a model has.
    """
    count = 0
    pending = [_at_the_top(config, location)]
    while pending:
        found = next(pending[-1], None)
        if found is None:
            pending.pop()
            continue
        if _is_something(found):
            count += 1
            if count > _MOST_OBJECTS:
                raise LimitExceededError(location, what="number of objects", limit=_MOST_OBJECTS, found=count)
            yield found
        pending.append(_within(found))


def _at_the_top(config: object, location: str) -> Iterator[_Found]:
    if _is_object(config) or not isinstance(config, dict):
        yield _Found(config, _LAYER, location)
        return
    for key, value in config.items():
        yield _Found(value, _TRAINING_PLACES.get(key, _ANYWHERE), _at_key(location, key))


def _within(found: _Found) -> Iterator[_Found]:
    """The parts of a value that objects can stand in: nothing for a string."""
    value, place, location = found.value, found.place, found.location
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, _NESTING):
                yield _Found(item, place, f"{location}[{index}]")
    elif _is_object(value):
        yield from _within_object(value, f"{location}.config")
    elif isinstance(value, dict) and not _is_something(found):
        for key, item in value.items():
            if key != "class_name" and isinstance(item, _NESTING):
                yield _Found(item, place, _at_key(location, key))


def _within_object(envelope: Mapping[str, Any], location: str) -> Iterator[_Found]:
    config = envelope["config"]
    if isinstance(config, list):
        yield _Found(config, _LAYER, location)
    elif isinstance(config, dict) and not _is_plain_value(envelope):
        for key, item in config.items():
            if key not in _PASSED_OVER and isinstance(item, _NESTING):
                yield _Found(item, _place_of(key, envelope), _at_key(location, key))


def _at_key(location: str, key: str) -> str:
    """One key further, with a bound: nested keys of any length would make locations outgrow the file."""
    return f"{location}.{printable(key, _LONGEST_KEY)}" if len(location) < _LONGEST_LOCATION else location


def _place_of(key: str, envelope: Mapping[str, Any]) -> _Place:
    if envelope["class_name"] == "Lambda" and envelope["config"].get(f"{key}_type") == "function":
        return _FUNCTION
    if key in _PLACES:
        return _PLACES[key]
    return next((place for ending, place in _PLACES_BY_ENDING if key.endswith(ending)), _ANYWHERE)


def _is_something(found: _Found) -> bool:
    return _is_named_function(found) or _is_object(found.value) or _is_keras_1_object(found) or _is_bare_lambda(found)


def _is_named_function(found: _Found) -> bool:
    return found.place.names_function and isinstance(found.value, str)


def _is_object(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("class_name"), str) and "config" in value


def _is_keras_1_object(found: _Found) -> bool:
    if found.place.kind not in {"regularizer", "constraint"} or not isinstance(found.value, dict):
        return False
    return "class_name" not in found.value and isinstance(found.value.get("name"), str)


def _is_bare_lambda(found: _Found) -> bool:
    """Whether it is the ``config`` of a ``__lambda__`` without the rest of its envelope.

    ``activations.serialize`` writes no more of a lambda, from TensorFlow 2.13 and Keras 3.0 to Keras 3.15 at least.
    """
    value = found.value
    return found.place.names_function and isinstance(value, dict) and [*value] == ["value"] and _is_code(value["value"])


def _is_code(value: object) -> bool:
    """Whether it is a list like that of ``func_dump``: code, default values and closure."""
    return isinstance(value, list) and len(value) == _PARTS_OF_FUNCTION and isinstance(value[0], str)


def _is_plain_value(envelope: Mapping[str, Any]) -> bool:
    """Whether an envelope carries a value that JSON has no form for: ``__tensor__``, ``__lambda__``, …."""
    name: str = envelope["class_name"]
    return name.startswith("__") and name.endswith("__")


# --- what was found ------------------------------------------------------------------------------------------


def _objects(found: Iterable[_Found]) -> tuple[ConfigObject, ...]:
    return tuple(_object(item) for item in found if not _is_hidden(item))


def _is_hidden(found: _Found) -> bool:
    return _is_bare_lambda(found) or (_is_object(found.value) and _is_plain_value(found.value))


def _object(found: _Found) -> ConfigObject:
    if isinstance(found.value, str):
        return ConfigObject(class_name=found.value, kind="function", keys=frozenset(), location=found.location)
    if not _is_object(found.value):
        return _keras_1_object(found)
    envelope, config = found.value, found.value["config"]
    module, registered_name = _text(envelope.get("module")), _text(envelope.get("registered_name"))
    if envelope["class_name"] in _FUNCTION_CLASSES and isinstance(config, str):
        return ConfigObject(
            class_name=config,
            kind="function",
            keys=frozenset(),
            module=module,
            registered_name=registered_name,
            location=found.location,
        )
    # Up to Keras 2.12 the class name of a registered class is its registered name, such as `Addons>GELU`.
    package, _, class_name = envelope["class_name"].rpartition(">")
    return ConfigObject(
        class_name=class_name,
        kind="object" if found.place.kind == "function" else found.place.kind,
        keys=frozenset(config) if isinstance(config, dict) else frozenset(),
        module=module,
        registered_name=registered_name or (envelope["class_name"] if package else None),
        location=found.location,
        settings=_settings(config),
        most_inputs=max((1, *map(_count_inputs, _items(envelope.get("inbound_nodes"))))),
        call_arguments=frozenset(_call_arguments(envelope.get("inbound_nodes"))),
    )


def _keras_1_object(found: _Found) -> ConfigObject:
    config = {key: value for key, value in found.value.items() if key != "name"}
    return ConfigObject(
        class_name=found.value["name"],
        kind=found.place.kind,
        keys=frozenset(config),
        location=found.location,
        settings=_settings(config),
    )


def _settings(config: object) -> tuple[tuple[str, Setting], ...]:
    if not isinstance(config, dict):
        return ()
    return tuple((key, _setting(config[key])) for key in sorted(config) if _is_setting(config[key]))


def _setting(value: Any) -> Setting:
    return tuple(value) if isinstance(value, list) else value


def _is_setting(value: object) -> bool:
    if isinstance(value, list):
        return len(value) <= _LONGEST_LIST and all(_is_plain(item) for item in value)
    return _is_plain(value)


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_SETTING
    return value is None or isinstance(value, int | float | bool)


def _call_arguments(calls: object) -> Iterator[str]:
    """Names of what a layer was called with: ``kwargs`` of a call in Keras 3, and what follows each input in Keras 2.

    There a call is a list of inputs ``["name", 0, 0, {...}]``, or one of these, within a list of calls.
    """
    for call in _items(calls):
        if isinstance(call, dict):
            yield from _given(call.get("kwargs"))
        for part in _items(call):
            yield from _given(part)
            for item in _items(part):
                yield from _given(item)


def _count_inputs(call: object) -> int:
    """Tensors that a call of Keras 2 names first; those of Keras 3 stand among its arguments."""
    return sum(isinstance(part, list) for part in _items(call))


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _given(arguments: object) -> Iterator[str]:
    if isinstance(arguments, dict):
        yield from (name for name, value in arguments.items() if value is not None and value is not False)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _code(found: Iterable[_Found]) -> tuple[Code, ...]:
    return tuple(code for item in found for code in _code_of(item))


def _code_of(found: _Found) -> Iterator[Code]:
    if _is_object(found.value):
        yield from read_code(found.value, location=found.location)
    elif _is_bare_lambda(found):
        yield read_bare_lambda(found.value, location=found.location)


def _traits(found: Iterable[_Found]) -> Iterator[str]:
    envelopes = [item.value for item in found if _is_object(item.value)]
    yield _construction(envelopes[0])
    if any(map(_is_bare_lambda, found)):
        yield "function-without-class"
    if any(envelope["class_name"] in MODEL_CLASSES for envelope in envelopes[1:]):
        yield "nested-model"
    for envelope in envelopes:
        name, config = envelope["class_name"], envelope["config"]
        if name == "Sequential" and isinstance(config, list):
            yield "list-style-sequential"
        if name in {"Lambda", "__lambda__"}:
            yield "lambda"
        if isinstance(envelope.get("module"), str):
            yield "module-envelope"
        if name == "DTypePolicy" or (isinstance(config, dict) and "batch_shape" in config):
            yield "keras3-config"


def _construction(model: Mapping[str, Any]) -> str:
    if model["class_name"] == "Sequential":
        return "sequential"
    config = model["config"]
    return "functional" if isinstance(config, dict) and "input_layers" in config else "subclassed"
