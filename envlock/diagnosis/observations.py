"""What is known before anything is concluded: the artifact, the environment in which it fails, the error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from envlock.diagnosis.traceback_text import Traceback
from envlock.environment.installed import InstalledEnvironment
from envlock.errors import ArtifactError
from envlock.inspection import Inspection
from envlock.knowledge.failures import failure, failures_of
from envlock.knowledge.releases import line_of, lines_of
from envlock.loadability import Verdict
from envlock.loading import Loading
from envlock.networks.mapping import WeightMapping, mapping_for
from envlock.networks.recognition import RecognisedNetwork, recognise_network

NO_HDF5_READER = "h5py-missing"
"""The failure of an environment that reads no HDF5."""


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

    is_for_tpu: bool = False
    """Whether the artifact is to run on a TPU."""

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What is predicted for the loaders that the environment has, best first; empty where nothing is known."""
        if self.artifact is None or self.environment is None:
            return ()
        return Loading(inspection=self.artifact).expectations(self.environment.loaders())

    @cached_property
    def network(self) -> RecognisedNetwork | None:
        """The published network whose weights the artifact holds; ``None`` where it is none, or no weights."""
        if self.artifact is None:
            return None
        return recognise_network(self.artifact.provenance.path, self.artifact.provenance)

    @cached_property
    def mapping(self) -> WeightMapping | None:
        """How a model of the TensorFlow that is there takes them, of the newest one where none is."""
        if self.network is None or self.artifact is None:
            return None
        return mapping_for(self.network, self.artifact.provenance, self.tensorflow_line)

    @property
    def tensorflow_line(self) -> str:
        """That of the environment; the newest of all where there is none, or it has none."""
        tensorflow = self.environment.tensorflow if self.environment is not None else None
        return line_of(tensorflow[1]) if tensorflow is not None else lines_of("tensorflow")[-1]

    @property
    def can_load(self) -> bool:
        """Whether nothing is known that forbids the environment to load the artifact."""
        return not self.lacks_hdf5_reader and not self.is_refused

    @property
    def is_refused(self) -> bool:
        """Whether all that is known of the loaders there says that none of them loads it."""
        return bool(self.verdicts) and self.verdicts[0].verdict == "fails"

    @property
    def lacks_hdf5_reader(self) -> bool:
        """Whether the artifact is HDF5 and nothing in the environment reads that: old releases do not require it."""
        if self.artifact is None or self.environment is None or self.environment.tensorflow is None:
            return False
        known = failures_of(self.environment.distributions, self.environment.python_line)
        return self.artifact.provenance.format == "keras-hdf5" and failure(NO_HDF5_READER) in known

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
