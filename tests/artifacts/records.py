"""Provenances as plain records, to compare them whole with files of expected ones."""

from __future__ import annotations

from typing import Any

from envlock.provenance import Provenance


def record_of(provenance: Provenance) -> dict[str, Any]:
    """Everything but the path, as JSON holds it: sets as sorted lists, empty fields left out."""
    fields = _plain(provenance)
    del fields["path"]
    return {name: value for name, value in fields.items() if value != []}


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {name: _plain(field) for name, field in value._asdict().items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
