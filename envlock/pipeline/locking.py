"""EnvironmentCandidate -> Lock: who is asked what, which pins are kept, and whose wish it is that contradicts.

The engines of a request are asked one after the other. What one of them found for the same question before, and is
pinned in the lock that is there, is the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envlock.candidates import EnvironmentCandidate
from envlock.errors import NetworkError, ResolutionError
from envlock.formats.text import without_credentials
from envlock.interpreters import Interpreter
from envlock.knowledge.families import members_of
from envlock.locks import Lock, pin
from envlock.own_code.imports import Need, find_needs
from envlock.pipeline.attempts import Attempt, DoesNotServeError
from envlock.pipeline.job import Job
from envlock.pipeline.request import Request
from envlock.resolution import ConflictError, Resolution, Resolver, UnservedTargetError
from envlock.stamps import known_distributions
from envlock.verification.record import Answer, digest_of

_TOOLS = (Requirement("pip"),)
"""What every environment holds beside the needs of the model: pinned and hashed like all the rest."""


def lock_candidate(
    candidate: EnvironmentCandidate, job: Job, resolvers: Sequence[Resolver]
) -> tuple[Lock, frozenset[str]]:
    """The lock of *candidate*, and the names of the distributions that only the person's code needs.

    Raises:
        DoesNotServeError: None of *resolvers* has a solution.
        NetworkError: The index is needed and cannot be reached.
    """
    interpreter = job.interpreter_of(candidate.target.python)
    question = _Question(candidate, interpreter, job.request.besides, job.request.constraints)
    needed = _needed_by_code(question, job)
    with job.step(f"locking {candidate.name}", "lock"):
        try:
            resolution, added = _find_resolution(question, needed, resolvers, job)
        except ResolutionError as error:
            attempt = Attempt(
                candidate=candidate,
                stage="resolution",
                error=without_credentials(error.explanation),
                hint=error.hint,
                wishes=tuple(_wishes_in_conflict(error, job.request, needed)),
                asked_index=any(resolver.asks_index for resolver in resolvers) and not _is_certain(error),
            )
            raise DoesNotServeError(attempt) from error
    lock = pin(
        resolution,
        provenance=job.inspection.provenance,
        candidate=candidate,
        besides=(*job.request.besides, *map(Requirement, sorted(added))),
        command=job.request.command,
    )
    return lock, added


def _needed_by_code(question: _Question, job: Job) -> dict[str, Need]:
    """What the code needs in the environment, by distribution, and nobody asks for by name."""
    named = {canonicalize_name(requirement.name) for requirement in question.requirements}
    return {
        need.distribution: need
        for need in find_needs(job.imports, question.candidate.target.python)
        if need.distribution is not None and need.is_required and need.distribution not in named
    }


def _find_resolution(
    question: _Question, needed: Mapping[str, Need], resolvers: Sequence[Resolver], job: Job
) -> tuple[Resolution, frozenset[str]]:
    """What the *question* leads to, with all that the code needs; and which of that nothing else would have brought.

    Where all pins are to be kept of what was found for the same question before, that is the answer.

    Raises:
        ResolutionError, NetworkError: There is none.
    """
    kept = _kept_for(question.candidate, job)
    asked = question.digest([*needed], resolvers, needs_addresses=job.request.writer.needs_addresses)
    known = job.memory.past.resolutions.get(asked)
    if known is None or {*_as_pins(known.resolution)} != {*kept}:
        known = _resolve_with_code(question, needed, resolvers, kept, job)
    job.memory.answers[asked] = known
    return known.resolution, known.added


def _resolve_with_code(
    question: _Question,
    needed: Mapping[str, Need],
    resolvers: Sequence[Resolver],
    kept: Sequence[Requirement],
    job: Job,
) -> Answer:
    held = {canonicalize_name(pin.name) for pin in kept}
    wanted = (*job.request.preferred, *_stamped_pins(question.candidate, job))
    preferred = [pin for pin in wanted if canonicalize_name(pin.name) not in held]
    resolution = _resolve(question.with_code(needed), resolvers, (*kept, *preferred), job)
    _note_what_is_not_kept(resolution, kept, job)
    added = frozenset(pin.name for pin in resolution.pins if pin.name in needed and not pin.via)
    return Answer(resolution=resolution, added=added)


# --- what is asked -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Question:
    """What resolvers are asked for one candidate."""

    candidate: EnvironmentCandidate
    interpreter: Interpreter | None
    besides: tuple[Requirement, ...]
    constraints: tuple[Requirement, ...]

    def without_besides(self) -> _Question:
        """What the candidate alone needs."""
        return replace(self, besides=())

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """All that is asked for by name."""
        return (*self.candidate.requirements, *_TOOLS, *self.besides)

    def with_code(self, distributions: Iterable[str]) -> _Question:
        """The same, with what the person's code needs."""
        return replace(self, besides=(*self.besides, *map(Requirement, distributions)))

    def digest(self, distributions: Sequence[str], resolvers: Sequence[Resolver], *, needs_addresses: bool) -> str:
        """SHA-256 over all that the answer depends on, but for the pins that are kept, with *distributions* of code."""
        return digest_of(
            requirements=[*map(str, self.requirements)],
            distributions=distributions,
            constraints=[*map(str, self._bounds)],
            target=self.candidate.target,
            engines=[resolver.name for resolver in resolvers],
            needs_addresses=needs_addresses,
        )

    @property
    def _bounds(self) -> list[Requirement]:
        return [*(bound.requirement for bound in self.candidate.bounds), *self.constraints]

    def find(self, resolver: Resolver, kept: Sequence[Requirement]) -> Resolution | None:
        """The answer of *resolver*; ``None`` where it has no solution."""
        try:
            return self.ask(resolver, kept)
        except ResolutionError:
            return None

    def ask(self, resolver: Resolver, kept: Sequence[Requirement]) -> Resolution:
        """The answer of *resolver*, in which as few as need be of the *kept* pins differ.

        Raises:
            ResolutionError, NetworkError: There is none.
        """
        return resolver.resolve(
            self.requirements,
            constraints=self._bounds,
            target=self.candidate.target,
            interpreter=self.interpreter.executable if self.interpreter else None,
            kept=kept,
        )


def _resolve(question: _Question, resolvers: Sequence[Resolver], kept: Sequence[Requirement], job: Job) -> Resolution:
    """What the first resolver with a solution finds; every file with its address where the format of the lock asks.

    Raises:
        ResolutionError: None has one; it tells what the first of them found out.
        NetworkError: The index cannot be reached, and only it could tell: the first of them needs it, or solves all but
            what the person wants besides.
    """
    first, *others = resolvers
    try:
        found = question.ask(first, kept)
    except ResolutionError as refusal:
        if _is_certain(refusal) or not others:
            raise
        found = _ask_others(question, first, others, kept, job, refusal)
    for resolver in job.request.resolvers[1:] if job.request.writer.needs_addresses else ():
        if not all(file.url for pin in found.pins for file in pin.files):
            # Addresses are those of the person's own index, which the bundled snapshot does not know.
            found = question.ask(resolver, _as_pins(found))
    return found


def _ask_others(
    question: _Question,
    first: Resolver,
    others: Sequence[Resolver],
    kept: Sequence[Requirement],
    job: Job,
    refusal: ResolutionError,
) -> Resolution:
    """What the first of *others* with a solution finds, after the *refusal* of the *first*.

    Raises:
        ResolutionError: None has one: the *refusal*, or what the last of them said where that is more.
        NetworkError: The index cannot be reached, though all but what the person wants besides is solved.
    """
    known = question.without_besides().find(first, kept) if question.besides else None
    # What is known to work together stays as it is, where that leaves a solution.
    preferred = _as_pins(known) + _beside(known, kept) if known else kept
    told, last = without_credentials(refusal.explanation), refusal
    for resolver in others:
        job.reporter.note(f"{question.candidate.name}: {told}; asking {resolver.name}")
        try:
            return question.ask(resolver, preferred)
        except UnservedTargetError as error:
            last = UnservedTargetError(error.candidate, f"{told}, and {error.explanation}", hint=error.hint)
        except ResolutionError as error:
            job.reporter.note(f"{resolver.name}: {without_credentials(error.explanation)}")
            last = error
        except NetworkError as error:
            if known is not None:
                # No other candidate would be better off.
                raise type(error)(f"{told}; asking {resolver.name}", error.detail) from error
            job.reporter.note(str(error))
    # Where the first knew no more than to ask the others, their answer tells more.
    raise last if any(f"--engine {resolver.name}" in refusal.hint for resolver in others) else refusal


# --- what is kept --------------------------------------------------------------------------------------------


def _kept_for(candidate: EnvironmentCandidate, job: Job) -> tuple[Requirement, ...]:
    """The pins that are kept: none where they are those of another TensorFlow, since they belong to that one."""
    members = members_of("tensorflow")
    of_family = [pin for pin in job.kept if pin.name in members]
    is_same = all(pin.specifier.contains(candidate.tensorflow.version, prereleases=True) for pin in of_family)
    return job.kept if is_same else ()


def _stamped_pins(candidate: EnvironmentCandidate, job: Job) -> Iterator[Requirement]:
    """What the stamp of the artifact pins, where it names the environment and nothing is to be chosen anew."""
    if candidate.stamp is not None and not job.request.upgrades:
        for name, version in known_distributions(candidate.stamp).items():
            if name not in job.request.upgraded:
                yield Requirement(f"{name}=={version}")


def _note_what_is_not_kept(found: Resolution, kept: Sequence[Requirement], job: Job) -> None:
    if job.kept and not kept:
        job.reporter.note(f"{job.request.lock_path}: is for another TensorFlow, all versions are chosen anew")
    before = {pin.name: pin for pin in kept}
    told = [
        f"{before[pin.name]} is now {pin.version}"
        for pin in found.pins
        if pin.name in before and not before[pin.name].specifier.contains(pin.version, prereleases=True)
    ]
    if told:
        job.reporter.note(f"{job.request.lock_path}: not all of its pins can be kept: {', '.join(told)}")


def _as_pins(resolution: Resolution) -> tuple[Requirement, ...]:
    return tuple(Requirement(f"{pin.name}=={pin.version}") for pin in resolution.pins)


def _beside(resolution: Resolution, pins: Sequence[Requirement]) -> tuple[Requirement, ...]:
    """Those of *pins* that are none of the *resolution*."""
    names = {pin.name for pin in resolution.pins}
    return tuple(pin for pin in pins if pin.name not in names)


# --- what contradicts ----------------------------------------------------------------------------------------


def _is_certain(refusal: ResolutionError) -> bool:
    return isinstance(refusal, ConflictError) and refusal.is_certain


def _wishes_in_conflict(error: ResolutionError, request: Request, needed: Mapping[str, Need]) -> Iterator[str]:
    if isinstance(error, UnservedTargetError):
        return
    if isinstance(error, ConflictError):
        involved = error.names | error.parents
    else:
        # Other engines explain in words of their own, in which the names stand.
        involved = frozenset(map(canonicalize_name, re.findall(r"\w[\w.-]*\w|\w", error.explanation)))
    for wish in (*request.besides, *request.constraints):
        if canonicalize_name(wish.name) in involved:
            yield without_credentials(str(wish))
    for distribution, need in needed.items():
        if distribution in involved:
            yield f"{distribution} (your code imports it: {need.first.file}, line {need.first.line})"
