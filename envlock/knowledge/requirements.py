"""Requirements as the metadata of releases declares them."""

from __future__ import annotations

from functools import cache

from packaging.requirements import InvalidRequirement, Requirement


@cache
def read_requirement(text: str) -> Requirement | None:
    """The requirement that *text* is; ``None`` for what the tools of today do not accept either."""
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None
