"""What is known before anything is concluded: the artifact, the environment in which it fails, the error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from envlock.diagnosis.installed import InstalledEnvironment
from envlock.diagnosis.traceback_text import Traceback
from envlock.errors import ArtifactError
from envlock.inspection import Inspection
from envlock.knowledge.releases import line_of
from envlock.loadability import Verdict, VerdictName, judge

_BEST_FIRST: tuple[VerdictName, ...] = ("loads", "needs-code", "unknown", "fails")


@dataclass(frozen=True, kw_only=True)
class Observations:
    """All that was looked at; ``None`` where the person did not name it."""

    path: Path | None
    """Of the artifact, as it was named."""

    artifact: Inspection | None
    damage: ArtifactError | None
    """Why the artifact cannot be read; ``None`` where it can."""

    environment: InstalledEnvironment | None
    traceback: Traceback | None
    architecture: Inspection | None = None
    """What the weights in the artifact are to go into."""

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What is predicted for the loaders that the environment has, best first; empty where nothing is known."""
        if self.artifact is None or self.environment is None:
            return ()
        here = {loader.name for loader in self.environment.loaders()}
        verdicts = judge(self.artifact.provenance, self.artifact.saver)
        return tuple(
            sorted(
                (verdict for verdict in verdicts if verdict.loader.name in here),
                key=lambda verdict: _BEST_FIRST.index(verdict.verdict),
            )
        )

    @property
    def can_load(self) -> bool:
        """Whether nothing is known that forbids the environment to load the artifact."""
        return not self.verdicts or self.verdicts[0].verdict != "fails"

    def doubts(self) -> Iterator[str]:
        """What speaks against it that the error came of the environment, a clause each."""
        if self.environment is None or self.traceback is None:
            return
        if self.traceback.python not in {None, self.environment.python_line}:
            yield f"the error is of Python {self.traceback.python}, and the environment has {self.environment.python}"
        lines = self.traceback.origin.get("tensorflow", ())
        tensorflow = self.environment.tensorflow
        if lines and tensorflow is not None and line_of(tensorflow[1]) not in lines:
            yield f"the error is of TensorFlow {', '.join(lines)}, and the environment has {tensorflow[1]}"
