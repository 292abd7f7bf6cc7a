"""From a path to an answer: what wrote the artifact, which releases load it and why, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from envlock.candidates import EnvironmentCandidate, Wishes, propose_candidates
from envlock.explanation.narrowing import Narrowing, trace_narrowing
from envlock.explanation.runs import Run, fold_verdicts, in_newest_tensorflow
from envlock.inspection import Inspection, inspect
from envlock.loadability import Verdict, judge
from envlock.target import Platform, Preference


class Explanation(NamedTuple):
    """All that can be said of one artifact from its bytes alone."""

    inspection: Inspection
    narrowing: tuple[Narrowing, ...]
    """How the evidence leads to the saver, in the order in which it is looked at."""

    verdicts: tuple[Verdict, ...]
    runs: tuple[Run, ...]
    """The *verdicts*, folded where neighbours agree."""

    in_newest: tuple[Verdict, ...]
    """Of the *verdicts*, those for the newest TensorFlow: the newest line of each implementation that runs on it."""

    choices: tuple[EnvironmentCandidate, ...]
    """The environments that come into question on *platform*, best first, whatever Pythons are there."""

    newest_choice: EnvironmentCandidate | None
    """The one on the newest TensorFlow, for moving on; ``None`` where there is none but the first of *choices*."""

    platform: Platform
    """What environments were chosen for."""

    @property
    def is_loadable(self) -> bool:
        """Whether any release is expected to load it."""
        return any(verdict.verdict != "fails" for verdict in self.verdicts)


def explain(path: Path, *, platform: Platform) -> Explanation:
    """Explain the artifact at *path*; environments are chosen for *platform*.

    Raises:
        ArtifactError: It is damaged, hostile, or no model.
    """
    return explain_inspection(inspect(path), platform=platform)


def explain_inspection(inspection: Inspection, *, platform: Platform) -> Explanation:
    """Explain what was read already; environments are chosen for *platform*."""
    verdicts = judge(inspection.provenance, inspection.saver)
    choices, newest = (_choose(inspection, verdicts, platform, prefer) for prefer in ("auto", "newest"))
    return Explanation(
        inspection=inspection,
        narrowing=trace_narrowing(inspection.provenance),
        verdicts=verdicts,
        runs=fold_verdicts(verdicts),
        in_newest=in_newest_tensorflow(verdicts),
        choices=choices,
        newest_choice=newest[0] if newest and newest[0] != choices[0] else None,
        platform=platform,
    )


def _choose(
    inspection: Inspection, verdicts: tuple[Verdict, ...], platform: Platform, prefer: Preference
) -> tuple[EnvironmentCandidate, ...]:
    return propose_candidates(
        inspection.provenance,
        inspection.saver,
        verdicts,
        inspection.custom,
        platform=platform,
        pythons=(),
        wishes=Wishes(prefer=prefer),
        stamp=inspection.stamp,
    )
