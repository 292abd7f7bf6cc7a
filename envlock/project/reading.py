"""A folder -> all that an old project says of its environment: one reader for each kind of file, in one table."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from envlock.artifacts.discovery import find_artifacts
from envlock.errors import ArtifactError
from envlock.project.code import read_code
from envlock.project.conda_environment import read_conda_environment
from envlock.project.continuous_integration import read_continuous_integration
from envlock.project.dockerfile import read_dockerfile
from envlock.project.era import find_era
from envlock.project.files import ProjectFile, ProjectFolder
from envlock.project.interface import (
    ApiUse,
    IndexStatement,
    ModuleImport,
    OwnModule,
    Place,
    Project,
    PythonStatement,
    RequirementStatement,
    Statement,
    Unread,
)
from envlock.project.lock_files import read_lock_file
from envlock.project.notebooks import read_notebook
from envlock.project.pipfile import read_pipfile, read_pipfile_lock
from envlock.project.pyproject_toml import read_pyproject_toml
from envlock.project.python_files import read_python_file
from envlock.project.requirements_txt import read_requirements_txt
from envlock.project.setup_cfg import read_setup_cfg, read_tox_ini
from envlock.project.setup_py import read_setup_py

_MOST_ARTIFACTS = 1000
_MOST_STATEMENTS = 5000
"""Of one file: the largest locks seen hold some hundred releases."""


class _Reader(NamedTuple):
    """Reads one kind of file."""

    paths: re.Pattern[str]
    """Of the files that it reads, below the root of the project."""

    read: Callable[[ProjectFile], Iterator[Statement]]


READERS: tuple[_Reader, ...] = tuple(
    _Reader(re.compile(rf"(?:.*/)?{pattern}", re.IGNORECASE), read)
    for pattern, read in (
        (r"[\w.-]*(?:requirements?|reqs?|constraints?)[\w.-]*\.(?:txt|in|pip)", read_requirements_txt),
        (r"requirements/[\w.-]+\.(?:txt|in|pip)", read_requirements_txt),
        (r"setup\.py", read_setup_py),
        (r"setup\.cfg", read_setup_cfg),
        (r"pyproject\.toml", read_pyproject_toml),
        (r"Pipfile", read_pipfile),
        (r"Pipfile\.lock", read_pipfile_lock),
        (r"(?:poetry|uv)\.lock|pylock(?:\.[\w-]+)?\.toml", read_lock_file),
        (r"(?:[\w.-]*env(?:ironment)?[\w.-]*|[\w.-]*conda[\w.-]*)\.ya?ml", read_conda_environment),
        (r"(?:[\w.-]+\.)?Dockerfile(?:[.-][\w.-]+)?|Containerfile", read_dockerfile),
        (r"tox\.ini", read_tox_ini),
        (r"(?:\.travis|\.gitlab-ci|\.?appveyor|azure-pipelines)\.ya?ml", read_continuous_integration),
        (r"\.github/workflows/[^/]+\.ya?ml|\.circleci/config\.ya?ml", read_continuous_integration),
        (r"runtime\.txt|\.python-version", read_python_file),
        (r"(?!setup\.py)[^/]+\.py", read_code),
        (r"[^/]+\.ipynb", read_notebook),
    )
)
"""Every kind of file that is read; a file may be of several."""

_Placed = TypeVar("_Placed", RequirementStatement, IndexStatement, PythonStatement, ApiUse, ModuleImport, Unread)


def read_project(root: Path, *, clock: Callable[[], float] = time.process_time) -> Project:
    """Read the project in the folder *root*; *clock* counts the seconds after which reading stops, of processor time.

    Nothing of it is run or changed, and no link in it is followed. What cannot be read is among the results.

    Raises:
        UsageError: *root* is no folder.
    """
    folder = ProjectFolder(root, clock=clock)
    artifacts = tuple(islice(find_artifacts(folder.root, is_entered=folder.is_entered), _MOST_ARTIFACTS))
    statements = dict.fromkeys(_statements(folder))
    order = {path: number for number, path in enumerate(folder.files)}

    def of_kind(kind: type[_Placed]) -> tuple[_Placed, ...]:
        found = (item for item in statements if isinstance(item, kind))
        # Files that are included are read where they are.
        return tuple(sorted(found, key=lambda item: (order[item.place.file], item.place.line or 0)))

    requirements = of_kind(RequirementStatement)
    return Project(
        root=root,
        artifacts=artifacts,
        requirements=requirements,
        indexes=of_kind(IndexStatement),
        pythons=of_kind(PythonStatement),
        uses=of_kind(ApiUse),
        imports=of_kind(ModuleImport),
        modules=tuple(item for item in statements if isinstance(item, OwnModule)),
        era=find_era(folder, requirements),
        unread=(*of_kind(Unread), *dict.fromkeys(folder.unread)),
    )


def _statements(folder: ProjectFolder) -> Iterator[Statement]:
    for path in folder.files:
        readers = [reader for reader in READERS if reader.paths.fullmatch(path.as_posix())]
        text = folder.read_text(path) if readers else None
        if text is not None:
            for reader in readers:
                yield from _read(reader, ProjectFile(path, text, folder))


def _read(reader: _Reader, file: ProjectFile) -> Iterator[Statement]:
    """What *reader* finds in a file, up to where it fails, or where time is over."""
    try:
        for count, statement in enumerate(reader.read(file)):
            if count == _MOST_STATEMENTS:
                yield Unread(Place(file.path), f"says more than {_MOST_STATEMENTS} things")
                return
            yield statement
            if file.folder.is_out_of_time:
                yield Unread(Place(file.path), "reading it to its end takes too long")
                return
    except ArtifactError as error:
        yield Unread(Place(file.path), str(error))
    except RecursionError:
        yield Unread(Place(file.path), "is nested too deep")
