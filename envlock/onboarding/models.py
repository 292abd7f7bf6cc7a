"""Artifacts of a project -> Models: each is read once, and the loaders that bring it back stand in order."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from envlock.candidates import Wishes, propose_candidates
from envlock.errors import ArtifactError, NotAModelError
from envlock.inspection import Inspection, inspect
from envlock.knowledge.loaders import Loader
from envlock.knowledge.releases import line_of
from envlock.loadability import Verdict, judge
from envlock.onboarding.settings import is_implementation
from envlock.project.interface import Place, PythonStatement, RequirementStatement
from envlock.recording import SUFFIX
from envlock.reporter import Reporter
from envlock.target import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """An artifact that can be read."""

    name: str
    """Its path, relative to the project."""

    inspection: Inspection
    verdicts: tuple[Verdict, ...]

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.inspection.provenance.path

    @property
    def kind(self) -> object:
        """Models of one kind load in the same settings."""
        provenance, saver = self.inspection.provenance, self.inspection.saver
        expected = tuple((item.loader.name, item.verdict) for item in self.verdicts)
        saved_by = tuple(loader.name for loader in saver.loaders)
        return (provenance.format, provenance.code_readers, saved_by, saver.likely, saver.days, expected, self.stamped)

    @property
    def stamped(self) -> tuple[RequirementStatement | PythonStatement, ...]:
        """What its stamp says of TensorFlow, Keras and Python: exactly what it was saved with, or seen to load in."""
        stamp = self.inspection.stamp
        if stamp is None or stamp.tensorflow is None:
            return ()
        beside = self.path.with_name(f"{self.path.name}{SUFFIX}")
        place = Place(Path(f"{self.name}{SUFFIX}" if beside.is_file() else self.name))
        pins = [f"{name}=={version}" for name, version in stamp.distributions.items() if is_implementation(name)]
        return (
            *(RequirementStatement(requirement=Requirement(pin), place=place, strength="locked") for pin in pins),
            PythonStatement(versions=SpecifierSet(f"=={line_of(stamp.python)}.*"), place=place, strength="locked"),
        )


class UnreadArtifact(NamedTuple):
    """An artifact that is damaged, or none after all."""

    name: str
    """Its path, relative to the project."""

    path: Path
    error: ArtifactError

    @property
    def message(self) -> str:
        """What is wrong with it, by its name."""
        told = str(self.error).replace(str(self.path), self.name)
        return told if told.startswith(self.name) else f"{self.name}: {told}"

    @property
    def is_something_else(self) -> bool:
        """Whether it is sound and merely no model, such as a data set: nothing can be done about it."""
        usual = NotAModelError(self.name, found="").hint
        return isinstance(self.error, NotAModelError) and self.error.hint == usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """What became of the artifacts of a project, in the order of their names."""

    read: tuple[Model, ...]
    unread: tuple[UnreadArtifact, ...]


def read_models(artifacts: Iterable[Path], root: Path, reporter: Reporter) -> Models:
    """Read every one of *artifacts*, whose names are told relative to *root*."""
    read: list[Model] = []
    unread: list[UnreadArtifact] = []
    with reporter.step("reading the models"):
        for path in artifacts:
            name = str(path.relative_to(root)) if path != root else root.name
            try:
                inspection = inspect(path)
            except ArtifactError as error:
                unread.append(UnreadArtifact(name, path, error))
            else:
                verdicts = judge(inspection.provenance, inspection.saver)
                read.append(Model(name=name, inspection=inspection, verdicts=verdicts))
    return Models(read=tuple(read), unread=tuple(unread))


def order_loaders(model: Model, *, platform: Platform, pythons: Collection[str], wishes: Wishes) -> tuple[Loader, ...]:
    """The loaders that are expected to bring *model* back, the preferred first.

    Those of which that is not known count only where there are no others.
    """
    inspection = model.inspection
    candidates = propose_candidates(
        inspection.provenance,
        inspection.saver,
        model.verdicts,
        inspection.custom,
        platform=platform,
        pythons=pythons,
        wishes=wishes,
        stamp=inspection.stamp,
    )
    hopeful = [candidate for candidate in candidates if candidate.verdict.verdict != "fails"]
    certain = [candidate for candidate in hopeful if candidate.verdict.verdict != "unknown"]
    # Two loaders may live in one environment, of which only the first is proposed; the other is no worse.
    return tuple(candidate.loader for candidate in certain or hopeful)
