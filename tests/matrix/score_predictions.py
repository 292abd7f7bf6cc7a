"""Hold what envlock predicts for each artifact of a run against what was observed.

    python -m tests.matrix.score_predictions WORK [--half rules|judging] [--misses N]

Prints precision and recall of success and of failure, over all, per kind of artifact and per loader; then the misses,
grouped by cause, the most frequent first. An artifact that needs definitions counts as loading where it loads with
them. Subjects are split in two halves by a hash of their name: rules are written on one, and judged on the other.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from envlock.errors import EnvlockError
from envlock.inspection import inspect
from envlock.loadability import Verdict, judge
from tests.matrix.experiment import Artifact, Loader, read_environments, trials_of
from tests.matrix.journal import Row, find_artifacts, journal_of, read_journal
from tests.matrix.observations import normalize_error

HALVES = ("rules", "judging")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Counts of comparisons, by prediction and outcome."""

    true_successes: int
    false_successes: int
    true_failures: int
    false_failures: int
    unknown: int

    def __str__(self) -> str:
        """Precision and recall of success, then of failure, then the counts."""
        shares = (
            _share(self.true_successes, self.false_successes),
            _share(self.true_successes, self.false_failures),
            _share(self.true_failures, self.false_failures),
            _share(self.true_failures, self.false_successes),
        )
        count = self.true_successes + self.false_successes + self.true_failures + self.false_failures
        return f"{' '.join(shares)} {count:>7} {self.unknown:>7}"


def main() -> None:
    """Print the scores and the misses."""
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--half", choices=HALVES, help="only subjects of this half")
    parser.add_argument("--misses", type=int, default=40, help="groups of misses that are shown")
    options = parser.parse_args()
    comparisons = [
        item for item in compare_run(options.work) if options.half is None or half_of(item.subject) == options.half
    ]
    print(f"{'':32} success     failure")
    print(f"{'':32} prec. rec.  prec. rec.    count unknown")
    for title, group in groups_of(comparisons):
        print(f"{title:32} {score(group)}")
    for cause, items in misses_of(comparisons)[: options.misses]:
        examples = Counter(f"{item.saver}/{item.subject} ({item.kind}) in {item.loader}" for item in items)
        print(f"{len(items):>6}  {cause}\n        such as {next(iter(examples))}")


def compare_run(work: Path) -> Iterator[Comparison]:
    """A comparison for each artifact and loader in the journal of a run."""
    loaders = {loader.name: loader for environment in read_environments() for loader in environment.loaders}
    trials: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in read_journal(journal_of(work)):
        trials[row["saver"], row["artifact"]][row["loader"]].append(row)
    for saver in sorted({saver for saver, _ in trials}):
        for artifact in find_artifacts(work / saver):
            verdicts = predict(artifact.path)
            for name, rows in trials[saver, artifact.path.name].items():
                # The trials with definitions come later; half of what belongs together says nothing.
                if is_whole(rows, loaders[name], artifact):
                    yield compare(rows, verdicts, loaders[name], needs_definitions=artifact.needs_definitions)


def is_whole(rows: list[Row], loader: Loader, artifact: Artifact) -> bool:
    """Whether all trials of an artifact before a loader are there."""
    return len(rows) == len(trials_of(artifact, loader))


def predict(path: Path) -> dict[tuple[str, str], Verdict] | str:
    """Verdicts by implementation and line; the error where the artifact cannot be read."""
    try:
        inspection = inspect(path)
    except EnvlockError as error:
        return f"{error.reference}: {normalize_error(str(error))}"
    verdicts = judge(inspection.provenance, inspection.saver)
    return {(verdict.loader.implementation, verdict.loader.line): verdict for verdict in verdicts}


def compare(
    rows: list[Row], verdicts: dict[tuple[str, str], Verdict] | str, loader: Loader, *, needs_definitions: bool
) -> Comparison:
    """Hold the trials of one artifact before one loader, with and without definitions, against its verdict."""
    is_loaded = any(row["ok"] for row in rows)
    verdict = verdicts.get((loader.implementation, loader.line)) if isinstance(verdicts, dict) else None
    if verdict is None:
        predicted, cause = None, verdicts if isinstance(verdicts, str) else "no verdict"
    else:
        predicted = _PREDICTIONS[verdict.verdict]
        if verdict.verdict == "needs-code":
            predicted = needs_definitions
        cause = "; ".join(f"{reason.reference}: {reason.message}" for reason in verdict.reasons[:1])
    if predicted and not is_loaded:
        cause = normalize_error(rows[-1]["error"])
    row = rows[0]
    return Comparison(
        saver=row["saver"],
        subject=row["subject"],
        kind=row["kind"],
        loader=row["loader"],
        predicted=predicted,
        observed=is_loaded,
        cause=cause,
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
    """Wrong predictions by what was expected and its cause, the largest group first."""
    groups = defaultdict(list)
    for item in comparisons:
        if item.predicted is not item.observed:
            expected = {True: "fails", False: "loads", None: "not judged"}[item.predicted]
            groups[f"{expected}: {item.cause}"].append(item)
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def half_of(subject: str) -> str:
    """The half that a subject belongs to, whatever its kind and saver."""
    return HALVES[hashlib.sha256(subject.encode()).digest()[0] % 2]


def _share(part: int, rest: int) -> str:
    """A share of three digits; a dash where there is nothing to share."""
    return f"{part / (part + rest):.3f}" if part + rest else "    -"


if __name__ == "__main__":
    main()
