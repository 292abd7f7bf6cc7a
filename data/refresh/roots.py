"""The distributions that the database is made for, as ``data/snapshot_roots.toml`` lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def names_under(key: str, roots: Mapping[str, Any]) -> tuple[str, ...]:
    """What the rows of the table list under *key*, in the order of the file: names, or requirements in ``pinned``."""
    return tuple(name for row in roots["root"] for name in row.get(key, ()))
