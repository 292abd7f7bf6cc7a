"""Operations that run Python code, touch files or talk to servers when a graph runs."""

from __future__ import annotations

from functools import cache
from typing import Literal

from envlock.knowledge.datafiles import read_toml

OperationEffect = Literal["python-operation", "file-operation"]


def effect_of(operation: str) -> OperationEffect | None:
    """What the operation reaches outside of the graph; ``None`` where it computes only."""
    return _effects().get(operation)


@cache
def _effects() -> dict[str, OperationEffect]:
    rows = read_toml("operations_with_effects.toml")["operations"]
    return {name: row["kind"] for row in rows for name in row["names"]}
