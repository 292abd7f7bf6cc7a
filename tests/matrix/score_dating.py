"""Hold the savers that envlock infers for the artifacts that were observed against those that saved them.

    python -m tests.matrix.score_dating [--data DIR]

Prints, per kind of artifact, how many are dated at all, the share of these whose true line is inside the window, and
the size of the window in lines, median and 90th percentile: first with all that the artifacts hold, then without the
versions that are recorded in them.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from envlock.dating import date_artifact
from envlock.provenance import Provenance
from tests.matrix.experiment import Environment, read_environments
from tests.matrix.observations import OBSERVED, Observation, read_observations

LABELS = frozenset({"keras-version", "tensorflow-version", "git-version"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dating:
    """What was inferred of the saver of one artifact."""

    saver: str
    subject: str
    kind: str
    has_labels: bool
    """Whether recorded versions were left in."""

    window: int
    """Lines that can have written it; 0 where nothing is known."""

    is_inside: bool
    """Whether the line that wrote it is among them."""


def main() -> None:
    """Print the shares and windows, and what was dated wrongly."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=OBSERVED)
    datings = list(date_all(parser.parse_args().data))
    for has_labels in (True, False):
        print(f"{'with' if has_labels else 'without'} recorded versions")
        print(f"  {'':14} {'count':>6} {'dated':>6} {'inside':>7} {'median':>7} {'90th':>5}")
        chosen = [dating for dating in datings if dating.has_labels is has_labels]
        for title, group in groups_of(chosen):
            print(f"  {title:14} {summary(group)}")
        for dating in chosen:
            if dating.window and not dating.is_inside:
                print(f"  outside: {dating.saver}/{dating.subject} ({dating.kind})")


def date_all(folder: Path = OBSERVED) -> Iterator[Dating]:
    """Every artifact, with the recorded versions and without."""
    environments = {environment.name: environment for environment in read_environments()}
    artifacts = {
        (observation.saver, observation.provenance.path): observation
        for observation in read_observations(folder)
        # What no line of the output of `explain` saved, as Keras 1.1, has no window to be in.
        if observation.provenance is not None and environments[observation.saver].loaders
    }
    for observation in artifacts.values():
        for has_labels in (True, False):
            yield describe(observation, environments[observation.saver], has_labels=has_labels)


def without_labels(provenance: Provenance) -> Provenance:
    """The same artifact, had its saver not recorded any version."""
    return provenance._replace(evidence=tuple(item for item in provenance.evidence if item.fact not in LABELS))


def describe(observation: Observation, environment: Environment, *, has_labels: bool) -> Dating:
    """Hold what can have saved an artifact, for all that envlock sees, against the environment that did."""
    assert observation.provenance is not None
    provenance, own = observation.provenance, environment.loaders[0]
    saver = date_artifact(provenance if has_labels else without_labels(provenance))
    found = [(loader.implementation, loader.line) for loader in saver.loaders]
    if any(implementation != "tensorflow" for implementation, _ in found):
        window, is_inside = len(found), (own.implementation, own.line) in found
    else:
        window, is_inside = len(saver.tensorflow_lines), environment.tensorflow in saver.tensorflow_lines
    return Dating(
        saver=observation.saver,
        subject=observation.subject,
        kind=observation.kind,
        has_labels=has_labels,
        window=window,
        is_inside=is_inside,
    )


def groups_of(datings: Iterable[Dating]) -> Iterator[tuple[str, list[Dating]]]:
    """All, then those of each kind."""
    by_kind = defaultdict(list)
    for dating in datings:
        by_kind["all"].append(dating)
        by_kind[dating.kind].append(dating)
    yield from sorted(by_kind.items(), key=lambda group: (group[0] != "all", group[0]))


def summary(datings: list[Dating]) -> str:
    """The count, how many are dated, the share of these inside the window, and its median and 90th percentile."""
    dated = [dating for dating in datings if dating.window]
    windows = [dating.window for dating in dated]
    if not windows:
        return f"{len(datings):>6} {0:>6}"
    share = sum(dating.is_inside for dating in dated) / len(dated)
    ninetieth = quantiles(windows, n=10, method="inclusive")[-1] if len(windows) > 1 else windows[0]
    return f"{len(datings):>6} {len(windows):>6} {share:>7.3f} {median(windows):>7.0f} {ninetieth:>5.0f}"


if __name__ == "__main__":
    main()
