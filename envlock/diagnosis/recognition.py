"""The text of an error -> causes that the failure table knows, held against the environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envlock.diagnosis.causes import Cause, Likelihood, different_remedies
from envlock.diagnosis.conflicts import conditions_met
from envlock.diagnosis.observations import Observations
from envlock.diagnosis.remedies import Workbench
from envlock.diagnosis.traceback_text import Traceback
from envlock.formats.text import printable
from envlock.knowledge.failures import Recognition, failures_of, recognise


def recognise_causes(traceback: Traceback, observed: Observations, *, seen_here: bool = False) -> tuple[Cause, ...]:
    """What the failure table says of *traceback*, best first.

    *seen_here* where the error came of the very environment that is observed, a moment ago.
    """
    causes: dict[str, Cause] = {}
    explained: set[str] = set()
    for recognition in _without_impossible(recognise(traceback.text), observed):
        failure = recognition.failure
        # What many causes print says nothing more where one of them is known.
        if failure.rank == "cause" or recognition.line not in explained:
            causes.setdefault(failure.id, _cause(recognition, observed, seen_here=seen_here))
            explained.add(recognition.line)
    return tuple(causes.values())


def unknown_error(traceback: Traceback, observed: Observations) -> Cause:
    """That nothing is known of the error, and how to go on."""
    bench = Workbench(observed)
    return Cause(
        reference="unknown-error",
        title="an error that is not known",
        explanation="No failure of the table has this error.",
        likelihood="predicted",
        evidence=(f"the error is: {traceback.error}",) if traceback.error else (),
        remedies=(bench.run(), bench.make_environment()),
    )


def _cause(recognition: Recognition, observed: Observations, *, seen_here: bool) -> Cause:
    failure = recognition.failure
    evidence = [f"the error says: {recognition.line}", *_hold_against(recognition, observed)]
    # Where the artifact cannot be loaded there in any case, its error may have other words for that.
    is_confirmed = _holds(recognition, observed) or (seen_here and observed.can_load and observed.damage is None)
    likelihood: Likelihood = "confirmed" if is_confirmed else "recognised"
    return Cause(
        reference=failure.id,
        title=failure.title,
        explanation=failure.cause,
        likelihood=likelihood,
        evidence=tuple(evidence),
        remedies=different_remedies(filter(None, map(Workbench(observed).apply, failure.fixes))),
        sources=failure.sources,
        names=frozenset(_names_in(recognition)),
    )


def _without_impossible(found: Sequence[Recognition], observed: Observations) -> Iterator[Recognition]:
    """Those of *found* that can occur in the environment, where one that can tells of the same line."""
    told = {recognition.line for recognition in found if _holds(recognition, observed)}
    for recognition in found:
        if recognition.line not in told or not recognition.failure.when or _holds(recognition, observed):
            yield recognition


def _names_in(recognition: Recognition) -> Iterator[str]:
    """What the error names, also without the package that a class was registered with, as in ``Addons>GELU``."""
    for value in recognition.groups.values():
        # A sentence may end behind a name.
        name = value.rstrip(".,:;")
        yield from filter(None, (name, name.rpartition(">")[2]))


def _holds(recognition: Recognition, observed: Observations) -> bool:
    """Whether the environment is one in which the failure occurs, and others are not."""
    environment = observed.environment
    if environment is None:
        return False
    return recognition.failure in failures_of(environment.distributions, environment.python_line)


def _hold_against(recognition: Recognition, observed: Observations) -> Iterator[str]:
    environment, failure = observed.environment, recognition.failure
    if environment is None or not failure.when:
        return
    if not _holds(recognition, observed):
        executable = str(environment.executable)
        yield f"yet {printable(executable, len(executable))} is not known to give it: the error may come from elsewhere"
    yield from conditions_met(failure, environment)
