"""The plan of the experiment: environments, which of them tries which artifacts, and in which order."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from tests.matrix.probes.packages import needs_definitions, package_of
from tests.matrix.probes.shares import share_of

_ENVIRONMENTS = Path(__file__).parent / "environments.toml"
_OF_TENSORFLOW = frozenset({"checkpoint", "frozen-graph"})
_OF_BOTH = frozenset({"saved-model"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """One way for an environment to load: as a row of the output of ``explain``."""

    environment: str
    implementation: str
    line: str
    python: str
    packages: frozenset[str] = frozenset()
    """Modules beside Keras that are in the environment; what is loaded there is what was made with them."""

    @property
    def name(self) -> str:
        """What tells it from the other loaders of the experiment, such as ``tf-2.15 tensorflow``."""
        return f"{self.environment} {self.implementation}"

    def takes_definitions(self, subject: str) -> bool:
        """Whether the definitions of what no Keras brings change what it makes of a subject.

        TensorFlow alone has no use for custom objects, but for the operations that packages register.
        """
        return needs_definitions(subject) and (self.implementation != "tensorflow" or package_of(subject) is not None)

    def reads(self, kind: str) -> bool:
        """Whether it has a way to load artifacts of that kind."""
        if self.implementation == "tensorflow":
            return kind in _OF_TENSORFLOW | _OF_BOTH
        # Keras 3 and standalone Keras 2 take no SavedModel as a model.
        return kind not in _OF_TENSORFLOW and (kind not in _OF_BOTH or self.implementation != "keras")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One environment: it saves with its Keras, and loads with each of its loaders."""

    name: str
    python: str
    requirements: tuple[str, ...]
    saver: str
    loaders: tuple[Loader, ...]
    packages: frozenset[str] = frozenset()
    """Modules beside Keras; what is saved there are their subjects, not those of Keras."""

    @property
    def tensorflow(self) -> str:
        """The line of the TensorFlow in it."""
        pins = (re.fullmatch(r"tensorflow(?:-cpu)?==(\d+\.\d+).*", text) for text in self.requirements)
        return next(pin[1] for pin in pins if pin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One saved model and what it is an example of."""

    path: Path
    saver: str
    """Name of the environment that saved it."""

    subject: str
    kind: str

    @property
    def share(self) -> int:
        """The share of a run that the subject belongs to, whatever its kind and saver."""
        return share_of(self.subject)

    @property
    def needs_definitions(self) -> bool:
        """Whether it refers to classes and functions that no Keras brings."""
        return needs_definitions(self.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One artifact before one loader."""

    artifact: Artifact
    loader: Loader
    has_definitions: bool
    """Whether the definitions of custom objects are at hand."""

    @property
    def key(self) -> tuple[str, str, str, bool]:
        """What tells it from all other trials."""
        return self.artifact.saver, self.artifact.path.name, self.loader.name, self.has_definitions


def read_environments(path: Path = _ENVIRONMENTS) -> tuple[Environment, ...]:
    """The environments, in order of worth."""
    return tuple(_environment(row) for row in tomllib.loads(path.read_text(encoding="utf-8"))["environment"])


def _environment(row: Mapping[str, Any]) -> Environment:
    packages = frozenset(row.get("packages", ()))
    return Environment(
        name=row["name"],
        python=row["python"],
        requirements=tuple(row["requirements"]),
        saver=row["saver"],
        loaders=tuple(
            Loader(
                environment=row["name"],
                implementation=implementation,
                line=line,
                python=row["python"],
                packages=packages,
            )
            for implementation, line in row["loaders"].items()
        ),
        packages=packages,
    )


def trials_of(artifact: Artifact, loader: Loader) -> list[Trial]:
    """The trials of one artifact before one loader: none, one, or one without definitions and one with them."""
    if not loader.reads(artifact.kind) or package_of(artifact.subject) not in (loader.packages or {None}):
        return []
    return [
        Trial(artifact=artifact, loader=loader, has_definitions=has_definitions)
        for has_definitions in ((False, True) if loader.takes_definitions(artifact.subject) else (False,))
    ]


def plan_trials(
    artifacts: Sequence[Artifact], environment: Environment, done: Collection[tuple[object, ...]]
) -> list[Trial]:
    """The trials of artifacts in an environment that are not *done*; those with definitions last.

    What has been registered in a process stays so, and would serve what is to be tried without.
    """
    planned = [
        trial for loader in environment.loaders for artifact in artifacts for trial in trials_of(artifact, loader)
    ]
    return sorted((trial for trial in planned if trial.key not in done), key=lambda trial: trial.has_definitions)
