"""Values of ours to what JSON can hold, and back: their types say how they are read."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from packaging.version import Version

_Value = TypeVar("_Value")


def to_plain(value: object) -> Any:
    """*value* as dicts, lists, strings, numbers, booleans and ``None``; sets come out sorted."""
    if is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | frozenset):
        return [to_plain(item) for item in (sorted(value) if isinstance(value, frozenset) else value)]
    return str(value) if isinstance(value, Version) else value


def from_plain(kind: type[_Value], value: Any) -> _Value:
    """The value of *kind*, a dataclass or what its fields are, that :func:`to_plain` made *value* of.

    Raises:
        ValueError: *value* was made of something else. No field may be missing, and none be unknown.
    """
    return cast("_Value", _read(kind, value))


def _read(kind: Any, value: Any) -> Any:
    origin, parameters = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        (other,) = (parameter for parameter in parameters if parameter is not types.NoneType)
        return None if value is None else _read(other, value)
    if origin is Literal:
        return _checked(value in parameters, kind, value)
    if is_dataclass(kind):
        return _read_fields(kind, value)
    if origin is tuple and parameters[-1] is not Ellipsis:
        pairs = zip(parameters, _checked(isinstance(value, list), kind, value), strict=True)
        return tuple(_read(parameter, item) for parameter, item in pairs)
    if origin in {tuple, frozenset}:
        return origin(_read(parameters[0], item) for item in _checked(isinstance(value, list), kind, value))
    if origin is Mapping:
        return {key: _read(parameters[1], item) for key, item in _checked(isinstance(value, dict), kind, value).items()}
    if kind is Version:
        return Version(_checked(isinstance(value, str), kind, value))
    return _checked(type(value) is kind or (kind is float and type(value) is int), kind, value)


def _read_fields(kind: Any, value: Any) -> Any:
    known = _types_of(kind)
    _checked(isinstance(value, dict) and value.keys() == known.keys(), kind, value)
    return kind(**{name: _read(known[name], item) for name, item in value.items()})


@cache
def _types_of(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _checked(is_right: bool, kind: Any, value: Any) -> Any:
    if not is_right:
        raise ValueError(f"no {getattr(kind, '__name__', kind)}: {value!r:.80}")
    return value
