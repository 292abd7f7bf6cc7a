"""What a diagnosis is made of: causes, each with its evidence and what mends it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from packaging.requirements import Requirement

Likelihood = Literal["confirmed", "recognised", "predicted"]
"""Seen, in the artifact itself or by two observations that agree; told by an error alone; expected, not yet seen."""

LIKELIHOODS: tuple[Likelihood, ...] = ("confirmed", "recognised", "predicted")
"""Most likely first."""

RemedyKind = Literal[
    "constraint", "load-argument", "environment-variable", "code", "file", "system", "environment", "reproduction"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One change that mends a cause."""

    kind: RemedyKind
    message: str
    """What it does, in one sentence."""

    commands: tuple[str, ...] = ()
    """To paste as they are: lines for a shell, or of Python for the kinds ``load-argument`` and ``code``."""

    requirements: tuple[Requirement, ...] = ()
    """What the commands install."""

    variables: Mapping[str, str] = field(default_factory=dict)
    """What the environment needs to be started with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a model does not load."""

    reference: str
    """Kebab-case name of the kind of cause."""

    title: str
    """One phrase."""

    explanation: str
    """Sentences; whatever stems from the artifact or the traceback is already escaped."""

    likelihood: Likelihood
    evidence: tuple[str, ...] = ()
    """Clauses that say what was seen, and where."""

    remedies: tuple[Remedy, ...] = ()
    """The smallest change first."""

    sources: tuple[str, ...] = ()
    """Reports of it, such as ``tensorflow/tensorflow#44467``, and keys of ``data/sources.toml``."""

    names: frozenset[str] = frozenset()
    """Names of the artifact that it is about: an error that names one of them speaks of this cause."""

    is_decisive: bool = False
    """Whether nothing else matters as long as it holds: the file is damaged, or nothing there can read it."""


def different_remedies(remedies: Iterable[Remedy]) -> tuple[Remedy, ...]:
    """Those of *remedies* that repeat no earlier one: its commands, what it installs, or the argument it passes."""
    kept: list[Remedy] = []
    for remedy in remedies:
        if not any(_covers(earlier, remedy) for earlier in kept):
            kept.append(remedy)
    return tuple(kept)


def _covers(one: Remedy, other: Remedy) -> bool:
    if other.requirements:
        return {item.name for item in other.requirements} <= {item.name for item in one.requirements}
    if one.kind == other.kind == "load-argument":
        return _without_values(one) == _without_values(other)
    return (one.commands or one.message) == (other.commands or other.message)


def _without_values(remedy: Remedy) -> tuple[str, ...]:
    """The commands of a remedy up to what they pass."""
    return tuple(command.partition("=")[0] for command in remedy.commands)


def merge(recognised: Iterable[Cause], expected: Iterable[Cause]) -> tuple[Cause, ...]:
    """All causes, most likely first: those that an error tells, and those that are expected whatever it says.

    Two of one reference are the same. So are two that name the same part of the artifact: the error says that it
    fails, the artifact says why.
    """
    found = list(recognised)
    for cause in expected:
        place = next((place for place, other in enumerate(found) if _is_same(other, cause)), None)
        if place is None:
            found.append(cause)
        else:
            found[place] = _join(found[place], cause)
    return tuple(sorted(found, key=lambda cause: (LIKELIHOODS.index(cause.likelihood), not cause.is_decisive)))


def _is_same(one: Cause, other: Cause) -> bool:
    return one.reference == other.reference or not one.names.isdisjoint(other.names)


def _join(one: Cause, other: Cause) -> Cause:
    """Both as one cause: the sentences of *one*, with what *other* adds; what two observations tell is confirmed."""
    told = (one.explanation, *one.evidence)
    likelihood: Likelihood = "predicted" if one.likelihood == other.likelihood == "predicted" else "confirmed"
    # What the artifact asks for goes before what helps in general.
    return replace(
        one,
        likelihood=likelihood,
        evidence=_once((*one.evidence, *(text for text in (other.explanation, *other.evidence) if text not in told))),
        remedies=different_remedies((*other.remedies, *one.remedies)),
        names=one.names | other.names,
        is_decisive=one.is_decisive or other.is_decisive,
    )


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
