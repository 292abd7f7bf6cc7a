"""What an old project says of the environment that it once ran in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from envlock.formats.text import printable

Strength = Literal["locked", "declared", "hinted"]
"""From the exact version of a lock file, over what a person declared, to what merely points at it, such as a base
image."""


class Place(NamedTuple):
    """Where in the project something is said."""

    file: Path
    """Relative to the root of the project."""

    line: int | None = None
    """Counted from 1; in a notebook, the number of the cell; ``None`` where the file as a whole says it."""

    def __str__(self) -> str:
        file = printable(str(self.file))
        unit = "cell" if self.file.suffix == ".ipynb" else "line"
        return file if self.line is None else f"{file}, {unit} {self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementStatement:
    """A distribution that the project asks for; its requirement may be an address, without credentials."""

    requirement: Requirement
    place: Place
    strength: Strength
    group: str = ""
    """The extra or group that it belongs to, such as ``dev``; empty for what is always needed, and ``constraints``
    for bounds on what is taken, which ask for nothing by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonStatement:
    """Pythons that the project asks for, or is tested on."""

    versions: SpecifierSet
    place: Place
    strength: Strength


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiUse:
    """Code that works with some releases of a distribution only."""

    name: str
    """Dotted, with aliases resolved, such as ``tensorflow.contrib``."""

    place: Place
    distribution: str
    """Normalised name; ``python`` for the language itself."""

    releases: SpecifierSet


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleImport:
    """A module from elsewhere that code or a notebook imports."""

    module: str
    """Dotted, as it is imported."""

    place: Place
    is_conditional: bool
    """Whether the code may do without: it stands under a condition, or its failure is caught."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnModule:
    """A module of the project itself."""

    name: str
    """Dotted, as it is imported from *root*."""

    root: Path
    """The folder that must be on the path, relative to the root of the project."""

    works_on_import: bool
    """Whether importing it does more than define things, as a script does that trains."""


class IndexStatement(NamedTuple):
    """Where else than from the person's own index a project would take distributions."""

    place: Place
    option: str
    """As pip calls it, in its long form."""

    address: str
    """Of an index, or of a folder; without credentials, and as untrusted as the project."""


class Unread(NamedTuple):
    """A file that says nothing, since it cannot be read."""

    place: Place
    reason: str


Statement = RequirementStatement | IndexStatement | PythonStatement | ApiUse | ModuleImport | OwnModule | Unread
"""One thing that a file of the project says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """When the project was last worked on."""

    day: date
    source: str
    """In words, such as ``the last commit``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """All that is found; sequences are in the order of their files and lines."""

    root: Path
    artifacts: Sequence[Path]
    """Absolute."""

    requirements: Sequence[RequirementStatement]
    indexes: Sequence[IndexStatement]
    pythons: Sequence[PythonStatement]
    uses: Sequence[ApiUse]
    imports: Sequence[ModuleImport]
    modules: Sequence[OwnModule]
    era: Era | None
    unread: Sequence[Unread]
