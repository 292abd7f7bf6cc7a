"""Candidates that were passed over or tried in vain: what that says of the next ones, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from envlock.candidates import EnvironmentCandidate, explain_no_candidate
from envlock.errors import NoCandidateError
from envlock.inspection import Inspection
from envlock.interpreters import search_is_restricted
from envlock.loadability import judge
from envlock.pipeline.request import Request
from envlock.resolution import Resolver
from envlock.verification import MISFIT

MAXIMUM_ENVIRONMENTS = 4
"""Environments that are built before giving up."""

MAXIMUM_REFUSALS = 4
"""Candidates that engines refuse which ask the index, and take seconds for it, before they are asked no more."""

_SENTENCES_SHOWN = 4
"""Reasons in one error message, those of the best candidates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A better candidate whose Python is not on this machine, and could not be fetched."""

    candidate: EnvironmentCandidate
    command: str
    """What gets the Python."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A candidate that was tried and did not serve."""

    candidate: EnvironmentCandidate
    stage: Literal["resolution", "installation", "verification"]
    error: str
    """One line."""

    hint: str = ""
    """What to change, where that is known."""

    wishes: tuple[str, ...] = ()
    """Of a resolution: what the person wants that takes part in the conflict."""

    asked_index: bool = False
    """Of a resolution: whether it took the seconds that an answer of the index takes."""

    cause: str = ""
    """Of a verification: the first line of its error, which names no place."""

    loads: bool = False
    """Whether the model did load, and only could not be called."""


class DoesNotServeError(Exception):
    """A candidate was tried in vain, and nothing of it is left."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt)
        self.attempt = attempt


def is_hopeless(attempts: Sequence[Attempt]) -> bool:
    """Whether more environments are in vain: there were many, or what failed last blames something else than them.

    The same error twice does, and weights of another model than the person's code builds do at once.
    """
    built = [attempt for attempt in attempts if attempt.stage != "resolution"]
    if _find_misfit(built) is not None:
        return True
    if len(built) < 2:
        return False
    first, second = built[-2:]
    is_same = first.stage == second.stage == "verification" and first.cause == second.cause
    return is_same or len(built) == MAXIMUM_ENVIRONMENTS


def _find_misfit(attempts: Sequence[Attempt]) -> Attempt | None:
    """The attempt that showed that the weights and the person's code do not belong together."""
    return next((attempt for attempt in attempts if attempt.cause.startswith(MISFIT)), None)


def worth_asking(resolvers: Sequence[Resolver], attempts: Sequence[Attempt]) -> Sequence[Resolver]:
    """Those of *resolvers* that answer at once, and the others as long as their answers may still differ."""
    refusals = [attempt.error for attempt in attempts if attempt.asked_index]
    is_settled = len(refusals) == MAXIMUM_REFUSALS or (len(refusals) > 1 and refusals[-1] == refusals[-2])
    return [resolver for resolver in resolvers if not resolver.asks_index] if is_settled else resolvers


def describe_attempts(attempts: Iterable[Attempt]) -> Iterator[str]:
    """Why attempts failed: one sentence for those that failed alike, or for the same wish of the person."""
    groups: dict[tuple[str, ...], list[Attempt]] = {}
    for attempt in attempts:
        groups.setdefault(attempt.wishes or (attempt.stage, attempt.error), []).append(attempt)
    for first, *others in groups.values():
        names = first.candidate.name + (f" and {len(others)} more" if others else "")
        if first.wishes:
            verb = "do" if others else "does"
            yield f"{names} {verb} not go with {' and '.join(first.wishes)}: {first.error}"
        else:
            yield f"{names}: {first.stage} failed: {first.error}"


def nothing_serves(
    inspection: Inspection, request: Request, passed_over: Sequence[PassedOver], attempts: Sequence[Attempt]
) -> NoCandidateError:
    """The error that says why no candidate served, and what would help."""
    if attempts:
        return _all_failed(inspection, request, attempts)
    if passed_over:
        best = passed_over[0]
        return NoCandidateError(
            f"{best.candidate.name} would load the model, but Python {best.candidate.target.python} is not here",
            hint=_how_to_get(best),
        )
    verdicts = judge(inspection.provenance, inspection.saver)
    return explain_no_candidate(verdicts, platform=request.platform, wishes=request.wishes)


def _how_to_get(item: PassedOver) -> str:
    told = f"get it with: {item.command}" if item.command else ""
    if search_is_restricted():
        told += ", and name it in ENVLOCK_PYTHONS, which limits the search"
    return told.removeprefix(", and ")


def _all_failed(inspection: Inspection, request: Request, attempts: Sequence[Attempt]) -> NoCandidateError:
    misfit = _find_misfit(attempts)
    if misfit is not None:
        return NoCandidateError(misfit.cause.removeprefix(MISFIT), hint=_advise(inspection, request), attempts=attempts)
    sentences = list(describe_attempts(attempts))
    hidden = len(sentences) - _SENTENCES_SHOWN
    told = "; ".join(sentences[:_SENTENCES_SHOWN]) + (f"; and {hidden} more reasons: see --json" if hidden > 0 else "")
    subject = "" if all(attempt.wishes for attempt in attempts) else "no environment that was tried serves: "
    return NoCandidateError(
        f"{subject}{told}", hint=_advise(inspection, request) or attempts[0].hint, attempts=attempts
    )


def _advise(inspection: Inspection, request: Request) -> str:
    """What else than the environments can be at fault; empty where nothing is known."""
    if request.builder:
        return f"make sure that {request.builder} builds the model as it was when these weights were saved"
    troubles = [finding.message for finding in inspection.findings if finding.severity == "error"]
    return f"the artifact itself: {'; '.join(troubles)}" if troubles else ""
