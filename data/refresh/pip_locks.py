"""What pip locks for a Python that uv does not serve: the releases, every file of them, and what they declare.

A pip of that Python downloads what it would install, with its own idea of markers and tags; each file is read for its
metadata. On the way pip writes into its log which other files there are, for any platform, with their hashes; not when
they were uploaded.
"""

from __future__ import annotations

import re
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from closures import Trial
from packaging.metadata import parse_email
from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from envlock.formats.source_names import releases_of_source
from envlock.interpreters import find_interpreters
from envlock.knowledge.pip_support import find_old_python
from envlock.resolution.distributions import rank_wheel
from envlock.target import PLATFORMS, Target, platform_here
from envlock.uv_process import UvError, run_uv

SOURCE = "source"
"""Stands for the tags of an sdist, which has none."""

Row = dict[str, Any]


def lock_with_pip(trial: Trial, tools: Iterable[str]) -> list[Row]:
    """The packages of *trial* beside *tools*, as the journal keeps them.

    On Python 2.7 pip takes a release for good before it has seen all that is asked of it, and that it is for that
    Python at all. What it has gone against is handed to it as a constraint, until nothing is left.

    Raises:
        UvError: pip finds no solution, or the trial is for another platform than this one.
    """
    if trial.target.platform != platform_here():
        raise UvError("locking", "pip resolves for the machine that it runs on, and lists files for all of them")
    with tempfile.TemporaryDirectory() as name:
        environment = Path(name)
        _make_environment(environment, trial.target.python)
        requirements, constraints = [*trial.requirements, *map(Requirement, tools)], [*trial.constraints]
        while True:
            try:
                packages = _download(requirements, constraints, environment, trial.target)
            except _UnfitReleaseError as error:
                constraints.append(Requirement(f"{error.name}!={error.version}"))
                continue
            disregarded = list(_disregarded(packages, trial.target))
            if not disregarded:
                return packages
            constraints += disregarded


class _UnfitReleaseError(Exception):
    """pip has taken a release that is for other Pythons, as only its metadata tells."""

    def __init__(self, name: str, version: Version) -> None:
        super().__init__(name, version)
        self.name, self.version = name, version


def _disregarded(packages: Iterable[Row], target: Target) -> Iterator[Requirement]:
    """What some of *packages* require of others that is not so."""
    versions = {package["name"]: package["version"] for package in packages}
    environment = target.marker_environment
    for requirement in (Requirement(text) for package in packages for text in package["metadata"][0]["requires"]):
        version = versions.get(canonicalize_name(requirement.name))
        applies = requirement.marker is None or requirement.marker.evaluate(environment)
        if version is not None and applies and not requirement.specifier.contains(version, prereleases=True):
            yield Requirement(f"{requirement.name}{requirement.specifier}")


def _download(
    requirements: Iterable[Requirement], constraints: Iterable[Requirement], environment: Path, target: Target
) -> list[Row]:
    """What the pip of *environment* brings for *requirements*, with every file that its log names of these releases."""
    with tempfile.TemporaryDirectory(dir=environment) as name:
        folder = Path(name)
        paths, log = _run_pip(requirements, constraints, environment, folder)
        packages = [_describe(path) for path in paths]
    hashes = _read_hashes(log)
    return [row | {"files": _list_files(row, hashes, target.python)} for row in packages]


def _run_pip(
    requirements: Iterable[Requirement], constraints: Iterable[Requirement], environment: Path, folder: Path
) -> tuple[list[Path], str]:
    """The files that pip has brought into *folder*, and its log."""
    files, log = folder / "files", folder / "log.txt"
    (folder / "constraints.txt").write_text(_lines(constraints), encoding="utf-8")
    (folder / "requirements.txt").write_text(_lines(requirements), encoding="utf-8")
    done = subprocess.run(  # noqa: S603 - pip, with options of our own
        [
            *(str(environment / "bin" / "python"), "-m", "pip", "download", "--quiet", "--no-input", "--prefer-binary"),
            *("--dest", str(files), "--log", str(log)),
            *("--requirement", "requirements.txt", "--constraint", "constraints.txt"),
        ],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return sorted(files.iterdir()), _read_text(log)
    complaint = " ".join(line for line in done.stderr.splitlines() if line.startswith("ERROR: "))
    if unfit := re.search(r"Package '([^']+)' requires a different Python", complaint):
        raise _UnfitReleaseError(*_last_named_release(canonicalize_name(unfit[1]), _read_text(log)))
    raise UvError("locking", complaint or "pip ended without a word")


def _last_named_release(name: str, log: str) -> tuple[str, Version]:
    """The release of *name* that pip was at when it stopped: the one whose file it spoke of last."""
    files = (unquote(file) for file, _ in _HASHED_FILE.findall(log))
    return [release for file in files for release in _releases_of(file) if release[0] == name][-1]


def _read_text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")


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


def _lines(items: Iterable[object]) -> str:
    return "".join(f"{item}\n" for item in items)


# --- which files there are -----------------------------------------------------------------------------------


def _read_hashes(log: str) -> dict[str, str]:
    """The SHA-256 of every file that the *log* of pip names with it, by file name."""
    return {unquote(name): sha256 for name, sha256 in _HASHED_FILE.findall(log)}


_HASHED_FILE = re.compile(r"/([^/\s]+)#sha256=([0-9a-f]{64})\b")


def _list_files(package: Row, hashes: Mapping[str, str], python: str) -> list[Row]:
    """Those among the files in *hashes* that a release has for that Python on any platform, and its sdist."""
    targets = [Target(python=python, platform=platform) for platform in PLATFORMS]
    release = (package["name"], Version(package["version"]))
    return [
        {"name": name, "sha256": sha256, "uploaded": None}
        for name, sha256 in sorted(hashes.items())
        if release in _releases_of(name)
        and (not name.endswith(".whl") or any(rank_wheel(name, target) is not None for target in targets))
    ]


def _releases_of(file_name: str) -> Iterator[tuple[str, Version]]:
    """Name and version of the releases that a file can be of; nothing where it is neither a wheel nor an sdist."""
    if not file_name.endswith(".whl"):
        yield from releases_of_source(file_name)
        return
    with suppress(InvalidWheelFilename):
        yield parse_wheel_filename(file_name)[:2]


# --- what a file declares ------------------------------------------------------------------------------------


def _describe(path: Path) -> Row:
    """Name, version and metadata of a release, as the file at *path* tells them."""
    if path.suffix == ".whl":
        return _package("-".join(path.stem.split("-")[-3:]), _read_wheel(path))
    return _package(SOURCE, _read_sdist(path))


def _package(tags: str, fields: Mapping[str, Any]) -> Row:
    metadata = {
        "tags": tags,
        "requires": [str(Requirement(text)) for text in fields.get("requires_dist", ())],
        "requires_python": fields.get("requires_python", ""),
        "extras": fields.get("provides_extra", []),
    }
    return {
        "name": canonicalize_name(fields["name"]),
        "version": str(Version(fields["version"])),
        "metadata": [metadata],
    }


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
