"""An environment -> the files and folders outside of it that its packages are in: links, and editable installations.

Formats: `site` (``.pth``: a folder in each line, or a statement that begins with ``import``); the finders that
setuptools, `editables`, scikit-build-core and meson-python install by such a statement hold the places as text.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from envlock.own_code.definitions import parse_source

_LARGEST_FILE = 1024 * 1024
_IMPORTED = re.compile(r"import\s+([A-Za-z_]\w*)")


def places_of_packages(python: Path) -> list[Path]:
    """Where packages of the environment of the interpreter *python* are, besides in its own folders; sorted.

    A home folder and those above it are never among them, whatever leads there.
    """
    environment = Path(os.path.realpath(python.absolute().parent.parent))
    site_folders = [*environment.glob("lib/python*/site-packages")]
    places = {place for folder in site_folders for place in (*_linked(folder), *_editable(folder))}
    too_wide = _home_and_above()
    return sorted(place for place in places if place not in too_wide and not place.is_relative_to(environment))


def _home_and_above() -> set[Path]:
    try:
        home = Path(os.path.realpath(Path.home()))
    except RuntimeError:
        # A user whom the system does not know, as in a container.
        home = Path("/")
    return {home, *home.parents}


def _linked(folder: Path) -> Iterator[Path]:
    """Where the files are that an installer has linked, as uv can be told to do from its cache."""
    for metadata in folder.glob("*.dist-info/METADATA"):
        if metadata.is_symlink():
            yield Path(os.path.realpath(metadata)).parents[1]


def _editable(folder: Path) -> Iterator[Path]:
    """What the path configuration files of a site folder lead to, of what exists."""
    for file in folder.glob("*.pth"):
        for line in _read(file).splitlines():
            imported = _IMPORTED.match(line)
            named = _texts_in(folder / f"{imported[1]}.py") if imported else [line.strip()]
            yield from (found for name in named if (found := _existing(folder, name, is_text=bool(imported))))


def _texts_in(module: Path) -> list[str]:
    """Every text that the source of a module holds."""
    nodes = chain(*map(ast.walk, parse_source(_read(module)) or ()))
    return [item.value for item in nodes if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def _existing(folder: Path, name: str, *, is_text: bool) -> Path | None:
    """The real place that *name* stands for; a text counts where it is an absolute path, also that of a module."""
    if not name or name.startswith("#") or "\0" in name or (is_text and not Path(name).is_absolute()):
        return None
    path = Path(os.path.realpath(folder / name))
    candidates = (path, path.with_name(f"{path.name}.py")) if is_text and path.name else (path,)
    return next(filter(os.path.exists, candidates), None)


def _read(path: Path) -> str:
    """A text file; empty where it is none, is too large, or may not be read."""
    try:
        # The environment may be anybody's: to open a pipe would wait for its writer.
        is_readable = path.is_file() and path.stat().st_size <= _LARGEST_FILE
        return path.read_text(encoding="utf-8", errors="replace") if is_readable else ""
    except OSError:
        return ""
