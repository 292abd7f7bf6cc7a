"""Environment -> a Jupyter kernel of it, which any Jupyter of this person offers.

A kernel specification is a folder with a ``kernel.json``, in the person's data folder for Jupyter; see
https://jupyter-client.readthedocs.io/en/stable/kernels.html and
https://docs.jupyter.org/en/latest/use/jupyter-directories.html.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envlock.errors import ArtifactError, OccupiedPathError, UsageError, WriteError
from envlock.formats.json_text import parse_json
from envlock.writers.files import write_errors, write_whole

REQUIREMENT = "ipykernel"
"""The distribution that an environment needs for its kernel to start."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_SPECIFICATION = "kernel.json"
_LARGEST_SPECIFICATION = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel that Jupyter offers."""

    name: str
    """What ``jupyter --kernel`` takes."""

    title: str
    """What notebooks show."""

    folder: Path


def name_for(environment: Path) -> str:
    """The name of its kernel where the person gives none: that of the folder which the environment lies in."""
    words = re.findall(r"[a-z0-9]+", environment.absolute().parent.name.lower())
    return "-".join(["envlock", *words])


def refuse_foreign_kernel(name: str, environment: Path) -> None:
    """Make sure that a kernel of the *environment* may have that name.

    Raises:
        UsageError: Jupyter takes no such name.
        OccupiedPathError: Another tool, or a person, made the kernel of that name, or it runs in another environment.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"--kernel {name}: no name of a kernel", hint="use lower-case letters and digits, and then also . _ -"
        )
    folder = _folder_of(name)
    if not os.path.lexists(folder):
        return
    owner = _owner_of(folder)
    if owner is None:
        found = "a kernel is there that envlock did not make"
    elif owner != environment.absolute() and owner.exists():
        found = f"the kernel of {owner} is there"
    else:
        return
    raise OccupiedPathError(str(folder), found=found, hint="give the kernel another name with --kernel NAME")


def install_kernel(name: str, environment: Path, *, title: str, variables: Mapping[str, str]) -> Kernel:
    """Make the kernel of that name for the *environment*, or replace it; notebooks show its *title*.

    *variables* are set wherever it runs.

    Raises:
        UsageError, OccupiedPathError: As :func:`refuse_foreign_kernel` does.
        WriteError: The disk is full, or the person's data folder may not be written to.
    """
    refuse_foreign_kernel(name, environment)
    folder, place = _folder_of(name), environment.absolute()
    specification = {
        "argv": [str(place / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": title,
        "language": "python",
        "env": dict(variables),
        "metadata": {"envlock": {"environment": str(place)}},
    }
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / _SPECIFICATION, json.dumps(specification, indent=1) + "\n")
    return Kernel(name=name, title=title, folder=folder)


def _owner_of(folder: Path) -> Path | None:
    """The environment that a kernel of envlock runs in; ``None`` where envlock did not make it."""
    path = folder / _SPECIFICATION
    with suppress(OSError, ArtifactError, KeyError, TypeError):
        # What lies there may be anything: to open a pipe would wait for its writer.
        if not folder.is_symlink() and path.is_file() and path.stat().st_size <= _LARGEST_SPECIFICATION:
            document: Any = parse_json(path.read_bytes(), where=str(path))
            return Path(document["metadata"]["envlock"]["environment"])
    return None


def _folder_of(name: str) -> Path:
    return _data_folder() / "kernels" / name


def _data_folder() -> Path:
    """Jupyter's data folder of this person."""
    if named := os.environ.get("JUPYTER_DATA_DIR"):
        return Path(named)
    try:
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Jupyter"
        if os.name == "nt":
            return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "jupyter"
        return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "jupyter"
    except RuntimeError as error:
        raise WriteError("Jupyter's data folder", str(error)) from error
