"""What is predicted for a loader, and why."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

from envlock.knowledge.loaders import Loader

VerdictName = Literal["loads", "needs-code", "fails", "unknown"]


class Reason(NamedTuple):
    """Why a verdict is what it is."""

    reference: str
    message: str


class Verdict(NamedTuple):
    """What is predicted for one loader."""

    loader: Loader
    verdict: VerdictName
    reasons: tuple[Reason, ...]


def listed(names: Collection[str], limit: int = 5) -> str:
    """The first of *names* in their order, for a sentence, and how many more there are."""
    shown = sorted(names)[:limit]
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(shown) + more
