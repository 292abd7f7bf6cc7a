"""The distributions that the database is made for, as ``data/snapshot_roots.toml`` lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def names_under(key: str, roots: Mapping[str, Any]) -> tuple[str, ...]:
    """The distributions that the rows of the table list under *key*, such as ``tried``, in the order of the file."""
    return tuple(name for row in roots["root"] for name in row.get(key, ()))
