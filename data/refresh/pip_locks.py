"""What pip locks for a Python that uv does not serve: the releases, every file of them, and what they declare.

A pip of that Python downloads what it would install, with its own idea of markers and tags; each file is read for its
metadata. A recent pip then lists the files that the releases have for all platforms. Neither tells when a file was
uploaded, nor its size.
"""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from closures import Trial
from packaging.metadata import parse_email
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from envlock.interpreters import find_interpreters
from envlock.knowledge.pip_support import find_old_python
from envlock.target import PLATFORMS, platform_here
from envlock.uv_process import UvError, run_uv

_PROBE = Path(__file__).parent / "probes" / "list_release_files.py"

SOURCE = "source"
"""Stands for the tags of an sdist, which has none."""

Row = dict[str, Any]


def lock_with_pip(trial: Trial, tools: Iterable[str]) -> list[Row]:
    """The packages of *trial* beside *tools*, as the journal keeps them.

    Raises:
        UvError: pip finds no solution, or the trial is for another platform than this one.
    """
    if trial.target.platform != platform_here():
        raise UvError("locking", "pip resolves for the machine that it runs on, and lists files for all of them")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = _download(trial, tools, folder)
        packages = [_describe(path) for path in paths]
        listed = _list_files({row["name"]: row["version"] for row in packages}, trial.target.python, folder)
    return [
        row | {"files": [file | {"uploaded": None, "size": None} for file in listed[row["name"]]]} for row in packages
    ]


def _download(trial: Trial, tools: Iterable[str], folder: Path) -> list[Path]:
    """What the pip of that Python brings for *trial*."""
    environment, files = folder / "environment", folder / "files"
    _make_environment(environment, trial.target.python)
    (folder / "constraints.txt").write_text(_lines(trial.constraints), encoding="utf-8")
    (folder / "requirements.txt").write_text(_lines([*trial.requirements, *tools]), encoding="utf-8")
    done = subprocess.run(  # noqa: S603 - pip, with options of our own
        [
            *(str(environment / "bin" / "python"), "-m", "pip", "download", "--quiet", "--no-input", "--prefer-binary"),
            *("--dest", str(files), "--requirement", "requirements.txt", "--constraint", "constraints.txt"),
        ],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        complaints = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        raise UvError("locking", " ".join(complaints) or "pip ended without a word")
    return sorted(files.iterdir())


def _make_environment(place: Path, python: str) -> None:
    """An environment of the Python line, with the pip that its last virtualenv brings along."""
    old = find_old_python(python)
    interpreter = next((item for item in find_interpreters() if item.line == python), None)
    if old is None or interpreter is None:
        raise UvError("locking", f"no Python {python} is at hand")
    run_uv(
        [
            *("tool", "run", "--quiet", "--isolated", "--from", old.virtualenv),
            *("virtualenv", "--quiet", "--no-download", "--python", str(interpreter.executable), str(place)),
        ],
        action="making an environment",
        place=str(place),
    )


def _list_files(releases: Mapping[str, str], python: str, folder: Path) -> Mapping[str, list[Row]]:
    """The files that the index has of *releases* for that Python, by name of the distribution."""
    platforms = [tag for platform in PLATFORMS for tag in platform.wheel_platforms()]
    told = run_uv(
        [
            *("run", "--quiet", "--isolated", "--no-project", "--with", "pip"),
            *("python", str(_PROBE), python, ",".join(platforms)),
        ],
        action="listing files",
        place="the cache of uv",
        text=json.dumps(releases),
        folder=str(folder),
    )
    listed: Mapping[str, list[Row]] = json.loads(told)
    return listed


def _lines(items: Iterable[object]) -> str:
    return "".join(f"{item}\n" for item in items)


# --- what a file declares ------------------------------------------------------------------------------------


def _describe(path: Path) -> Row:
    """Name, version and metadata of a release, as the file at *path* tells them."""
    if path.suffix == ".whl":
        name, version, *_ = parse_wheel_filename(path.name)
        return _package(name, str(version), "-".join(path.stem.split("-")[-3:]), _read_wheel(path))
    name, version = parse_sdist_filename(_regular(path.name))
    return _package(name, str(version), SOURCE, _read_sdist(path))


def _regular(sdist: str) -> str:
    """The name of an sdist with an ending that `packaging` knows."""
    return re.sub(r"\.tar\.bz2$|\.tgz$", ".tar.gz", sdist)


def _package(name: str, version: str, tags: str, fields: Mapping[str, Any]) -> Row:
    metadata = {
        "tags": tags,
        "requires": [str(Requirement(text)) for text in fields.get("requires_dist", ())],
        "requires_python": fields.get("requires_python", ""),
        "extras": fields.get("provides_extra", []),
    }
    return {"name": canonicalize_name(name), "version": version, "metadata": [metadata]}


def _read_wheel(path: Path) -> Mapping[str, Any]:
    with zipfile.ZipFile(path) as archive:
        (member,) = (name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        fields, _ = parse_email(archive.read(member))
    return fields


def _read_sdist(path: Path) -> Mapping[str, Any]:
    """What an sdist declares: in ``PKG-INFO``, or in the ``requires.txt`` that setuptools left there."""
    members = _read_members(path)
    head = next(name for name in sorted(members, key=len) if re.fullmatch(r"[^/]+/PKG-INFO", name))
    fields: Row = dict(parse_email(members[head])[0])
    listed = next((members[name] for name in members if name.endswith(".egg-info/requires.txt")), b"")
    return {"requires_dist": [*read_setuptools_requires(listed.decode())]} | fields


def _read_members(path: Path) -> dict[str, bytes]:
    wanted = re.compile(r"[^/]+/PKG-INFO|.*\.egg-info/requires\.txt")
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist() if wanted.fullmatch(name)}
    with tarfile.open(path) as archive:
        members = [member for member in archive.getmembers() if wanted.fullmatch(member.name)]
        return {member.name: stream.read() for member in members if (stream := archive.extractfile(member))}


def read_setuptools_requires(text: str) -> Iterator[str]:
    """The requirements of a ``requires.txt``, whose sections ``[extra:marker]`` become markers."""
    condition = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("["):
            extra, _, marker = line.strip("[]").partition(":")
            parts = [f"({marker})" if marker else "", f'extra == "{extra}"' if extra else ""]
            condition = " and ".join(filter(None, parts))
        else:
            yield f"{line} ; {condition}" if condition else line
