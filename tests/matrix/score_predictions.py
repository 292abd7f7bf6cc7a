"""Hold what envlock predicts for each artifact that was observed against what happened.

    python -m tests.matrix.score_predictions [--data DIR] [--half rules|judging] [--misses N]

Prints precision and recall of success and of failure, over all, per kind of artifact and per loader; then the misses,
grouped by cause, the most frequent first. An artifact that needs definitions counts as loading where it loads with
them. Rules are written from the first share of the subjects, and judged on the others.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from envlock.dating import date_artifact
from envlock.loadability import Verdict, judge
from envlock.provenance import Provenance
from tests.matrix.observations import OBSERVED, Observation, read_observations
from tests.matrix.probes.shares import share_of

Half = Literal["rules", "judging"]
HALVES: tuple[Half, ...] = ("rules", "judging")

NOT_BUILT = "NotBuiltError"
"""How the outcome begins where a Keras has not what the model is made of that weights are for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One artifact before one loader: what was predicted, and what was observed."""

    saver: str
    subject: str
    kind: str
    loader: str
    predicted: bool | None
    """Whether it loads; ``None`` where envlock says that it does not know, or cannot read the artifact."""

    observed: bool
    cause: str
    """For a failure that was predicted: the reason given; for one that was not: the error."""

    @property
    def is_miss(self) -> bool:
        """Whether something else was predicted than was observed."""
        return self.predicted is not None and self.predicted is not self.observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Counts of comparisons, by prediction and outcome."""

    true_successes: int
    false_successes: int
    true_failures: int
    false_failures: int
    unknown: int

    @property
    def shares(self) -> tuple[float | None, ...]:
        """Precision and recall of success, then of failure; ``None`` for a share of nothing."""
        return (
            _share(self.true_successes, self.false_successes),
            _share(self.true_successes, self.false_failures),
            _share(self.true_failures, self.false_failures),
            _share(self.true_failures, self.false_successes),
        )

    def __str__(self) -> str:
        """The shares, then how many were judged and how many were not."""
        count = self.true_successes + self.false_successes + self.true_failures + self.false_failures
        shares = " ".join("    -" if share is None else f"{share:.3f}" for share in self.shares)
        return f"{shares} {count:>7} {self.unknown:>7}"


def main() -> None:
    """Print the scores and the misses."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=OBSERVED)
    parser.add_argument("--half", choices=HALVES, help="only subjects of this half")
    parser.add_argument("--misses", type=int, default=40, help="groups of misses that are shown")
    options = parser.parse_args()
    comparisons = [
        item for item in compare_all(options.data) if options.half is None or half_of(item.subject) == options.half
    ]
    print(f"{'':32} success     failure")
    print(f"{'':32} prec. rec.  prec. rec.    count unknown")
    for title, group in groups_of(comparisons):
        print(f"{title:32} {score(group)}")
    for cause, items in misses_of(comparisons)[: options.misses]:
        examples = Counter(f"{item.saver}/{item.subject} ({item.kind}) in {item.loader}" for item in items)
        print(f"{len(items):>6}  {cause}\n        such as {next(iter(examples))}")


def compare_all(folder: Path = OBSERVED) -> Iterator[Comparison]:
    """A comparison for each observation that tells something about the artifact."""
    for observation in read_observations(folder):
        verdicts = predict(observation.provenance) if observation.provenance else {}
        if is_comparable(observation, verdicts):
            yield compare(observation, verdicts)


@cache
def predict(provenance: Provenance) -> dict[tuple[str, str], Verdict]:
    """The verdicts on an artifact by implementation and line."""
    verdicts = judge(provenance, date_artifact(provenance))
    return {(verdict.loader.implementation, verdict.loader.line): verdict for verdict in verdicts}


def is_comparable(observation: Observation, verdicts: dict[tuple[str, str], Verdict]) -> bool:
    """Whether an observation is of what a verdict speaks of."""
    loader, provenance = observation.loader, observation.provenance
    # The trials with definitions come later; half of what belongs together says nothing.
    is_whole = len(observation.outcomes) == 1 + loader.takes_definitions(observation.subject)
    if not is_whole or any(outcome.startswith(NOT_BUILT) for outcome in observation.outcomes):
        return False
    if provenance is None:
        return True
    # A verdict is about a line on the Pythons that suit the artifact; one on which it was tried may be another.
    readers = provenance.code_readers
    return (loader.implementation, loader.line) in verdicts and (readers is None or loader.python in readers)


def compare(observation: Observation, verdicts: dict[tuple[str, str], Verdict]) -> Comparison:
    """Hold an observation against the verdict on its artifact and loader."""
    loader = observation.loader
    verdict = verdicts.get((loader.implementation, loader.line))
    predicted = None if verdict is None else _PREDICTIONS[verdict.verdict]
    if verdict is not None and verdict.verdict == "needs-code":
        predicted = observation.needs_definitions
    cause = "; ".join(f"{reason.reference}: {reason.message}" for reason in verdict.reasons[:1]) if verdict else ""
    return Comparison(
        saver=observation.saver,
        subject=observation.subject,
        kind=observation.kind,
        loader=loader.name,
        predicted=predicted,
        observed=observation.is_loaded,
        cause=observation.outcomes[-1] if predicted and not observation.is_loaded else cause,
    )


_PREDICTIONS: dict[str, bool | None] = {"loads": True, "needs-code": True, "fails": False, "unknown": None}


def score(comparisons: Iterable[Comparison]) -> Score:
    """Count predictions that came true and that did not."""
    counts = Counter((item.predicted, item.observed) for item in comparisons)
    return Score(
        true_successes=counts[True, True],
        false_successes=counts[True, False],
        true_failures=counts[False, False],
        false_failures=counts[False, True],
        unknown=counts[None, True] + counts[None, False],
    )


def groups_of(comparisons: list[Comparison]) -> Iterator[tuple[str, list[Comparison]]]:
    """All, those of each kind, those of each loader: with the title of each."""
    yield "all", comparisons
    for kind in sorted({item.kind for item in comparisons}):
        yield kind, [item for item in comparisons if item.kind == kind]
    for loader in sorted({item.loader for item in comparisons}):
        yield loader, [item for item in comparisons if item.loader == loader]


def misses_of(comparisons: Iterable[Comparison]) -> list[tuple[str, list[Comparison]]]:
    """Wrong and missing predictions by what was expected and its cause, the largest group first."""
    groups = defaultdict(list)
    for item in comparisons:
        if item.predicted is not item.observed:
            expected = {True: "fails", False: "loads", None: "not judged"}[item.predicted]
            groups[f"{expected}: {item.cause}"].append(item)
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def half_of(subject: str) -> Half:
    """The half that a subject belongs to, whatever its kind and saver: the first share of a run, or the rest."""
    return "judging" if share_of(subject) else "rules"


def _share(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None


if __name__ == "__main__":
    main()
