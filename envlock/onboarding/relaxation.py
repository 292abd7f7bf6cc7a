"""A conflict -> what the project wants, less the wish that weighs least in it: first its version, then all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from packaging.requirements import Requirement

from envlock.errors import NoCandidateError
from envlock.formats.text import without_credentials
from envlock.onboarding.results import Relaxed
from envlock.onboarding.wanted import Wanted, Wish
from envlock.pipeline.attempts import Attempt


def let_go(wanted: Wanted, error: NoCandidateError) -> tuple[Wanted, Relaxed] | None:
    """What is still wanted after the *error*, and what is not; ``None`` where no wish is to blame for it."""
    attempts = [attempt for attempt in error.attempts if isinstance(attempt, Attempt)]
    if not attempts or any(attempt.stage != "resolution" for attempt in attempts):
        return None
    first = attempts[0]
    wishes = (*wanted.bounds, *wanted.besides)
    involved = [wish for wish in wishes if without_credentials(str(wish.requirement)) in first.wishes]
    if not involved:
        return None
    weakest = max(involved, key=lambda wish: (wish.weakness, not wish.is_bare, wishes.index(wish)))
    instead = None if weakest.is_bare or weakest.is_bound else Requirement(weakest.requirement.name)
    left = replace(
        wanted,
        bounds=tuple(_without(wanted.bounds, weakest, instead)),
        besides=tuple(_without(wanted.besides, weakest, instead)),
    )
    return left, Relaxed(weakest, instead, first.error, first.hint)


def joined(relaxed: Sequence[Relaxed], latest: Relaxed) -> tuple[Relaxed, ...]:
    """*relaxed* with the *latest*: what was let go in part before, and now as a whole, is told once."""
    before = next((item for item in relaxed if item.taken is latest.wish.requirement), None)
    said = latest if before is None else latest._replace(wish=before.wish)
    return (*(item for item in relaxed if item is not before), said)


def _without(wishes: Sequence[Wish], weakest: Wish, instead: Requirement | None) -> list[Wish]:
    kept = (wish if wish is not weakest else _with(wish, instead) for wish in wishes)
    return [wish for wish in kept if wish is not None]


def _with(wish: Wish, requirement: Requirement | None) -> Wish | None:
    return replace(wish, requirement=requirement) if requirement is not None else None
