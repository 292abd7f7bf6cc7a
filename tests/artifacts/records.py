"""Provenances as plain records, to compare them whole with files of expected ones."""

from __future__ import annotations

from typing import Any

from envlock.provenance import Provenance


def record_of(provenance: Provenance) -> dict[str, Any]:
    """Everything but the path, as JSON holds it: sets as sorted lists, fields that hold their default left out."""
    fields: dict[str, Any] = _plain(provenance)
    del fields["path"]
    return fields


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        defaults = value._field_defaults
        fields = value._asdict().items()
        return {name: _plain(field) for name, field in fields if name not in defaults or field != defaults[name]}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
