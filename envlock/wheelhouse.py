"""Lock -> Wheelhouse: a folder with every file that an installer needs where there is no network.

For Pythons that uv does not serve, the virtualenv that makes their environments belongs to it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from envlock.errors import (
    DamagedFileError,
    MissingArtifactError,
    OccupiedPathError,
    UsageError,
)
from envlock.formats.pinned_requirements import read_pinned_requirements
from envlock.formats.source_names import releases_of_source
from envlock.formats.text import first_line, one_line, printable
from envlock.formats.toml_text import parse_toml
from envlock.knowledge.pip_support import find_old_python
from envlock.knowledge.source_builds import find_source_build
from envlock.pip_process import download
from envlock.reporter import Reporter
from envlock.resolution import resolvers_of
from envlock.target import PLATFORMS, Platform, Target, find_platform, platform_here
from envlock.writers.files import write_errors, write_whole

if TYPE_CHECKING:
    from packaging.markers import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelhouseFile:
    """A wheel or source distribution in the folder."""

    name: str
    size: int
    """In bytes."""

    sha256: str
    """In hexadecimal, as the lock has it."""

    is_new: bool
    """Whether it was fetched now; else it was there already."""

    @property
    def is_source(self) -> bool:
        """Whether it is built on the machine that installs it."""
        return not self.name.endswith(".whl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheelhouse:
    """A folder from which a lock can be installed."""

    folder: Path
    lock_path: Path
    requirements_path: Path
    """What to install from it with: the lock, or a file beside the wheels that says the same.

    Installers take the files of a ``pylock.toml`` from the addresses in it, wherever else they are told to look.
    """

    target: Target
    files: tuple[WheelhouseFile, ...]
    """What the lock needs, and what serves to install it, sorted by name; other files in the folder left out."""


def fetch(
    lock_path: Path,
    folder: Path,
    reporter: Reporter,
    *,
    python: str | None = None,
    platform: Platform | None = None,
) -> Wheelhouse:
    """Fill *folder* with the one file of each pin that the lock's target installs, and with what serves to do so.

    That is what builds sources, and the virtualenv that an old Python needs.

    Files that are there already, by name and hash, are not fetched again; all others in the folder are left alone.
    Each file appears under its name only when it is whole, and stays there whatever fails later.

    Args:
        lock_path: A lock that envlock wrote, or any requirements file or ``pylock.toml`` with versions and hashes.
        folder: Made where it is missing.
        reporter: Hears of each step.
        python: CPython minor release, such as ``3.8``, instead of the one that the lock is for.
        platform: Instead of the one that the lock is for; this machine's where the lock does not say.

    Raises:
        MissingArtifactError: There is no lock, or it may not be read.
        DamagedFileError: It is not of its format.
        UsageError: It does not pin everything by hash, or the Python that it is for is unknown.
        NetworkError: The package index cannot be reached.
        DownloadError: The index does not hold what the lock pins.
        ResolutionError: What builds a source, or makes environments of an old Python, is not known for the target.
        OccupiedPathError: Something that envlock did not write is where the requirements of a ``pylock.toml`` go.
        WriteError: The disk is full, or the folder may not be written to.
    """
    lock = _read_lock(lock_path, python, platform)
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        downloads = _Downloads(folder, lock, reporter)
        files = downloads.complete(lock.pins)
        files += downloads.complete(_build_tools(lock, files))
        files += _fetch_virtualenv(folder, lock, reporter)
        requirements_path = _write_requirements(lock.pins, folder, lock_path) if lock.names_addresses else lock_path
    unique = {file.name: file for file in files}
    return Wheelhouse(
        folder=folder,
        lock_path=lock_path,
        requirements_path=requirements_path,
        target=lock.target,
        files=tuple(unique[name] for name in sorted(unique)),
    )


# --- the lock ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pin:
    """One distribution by version, with the files that it may be installed from."""

    name: str
    version: Version
    hashes: frozenset[str]
    """``sha256:…`` and the like."""

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"

    @property
    def release(self) -> tuple[NormalizedName, Version]:
        """What tells it from others."""
        return canonicalize_name(self.name), self.version

    @property
    def line(self) -> str:
        """As a requirements file has it."""
        return " ".join([str(self), *(f"--hash={value}" for value in sorted(self.hashes))])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lock:
    """What a lock asks for on one target."""

    target: Target
    pins: tuple[_Pin, ...]
    index_options: tuple[str, ...] = ()
    """Lines that say where distributions come from: they are pip's to read."""

    names_addresses: bool
    """Whether it says where each file is served."""


def _read_lock(path: Path, python: str | None, platform: Platform | None) -> _Lock:
    """What the lock at *path* asks for, for the target that it records unless *python* or *platform* is given."""
    text = _read_text(path)
    if path.suffix == ".toml":
        document = parse_toml(text.encode(), where=str(path))
        target = _target(_target_of_pylock(document), python, platform)
        lock = _Lock(target=target, pins=tuple(_pins_of_pylock(document, target, path)), names_addresses=True)
    else:
        target = _target(_target_of_requirements(text), python, platform)
        lock = _Lock(
            target=target,
            pins=tuple(_pins_of_requirements(text, target, path)),
            index_options=tuple(line for line in text.splitlines() if _INDEX_OPTION.match(line)),
            names_addresses=False,
        )
    if not lock.pins:
        raise UsageError(f"{path}: pins nothing for {target}", hint="pass a lock, such as requirements.txt")
    return lock


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise MissingArtifactError(str(path), reason=(error.strerror or str(error)).lower()) from error
    except UnicodeDecodeError as error:
        raise DamagedFileError(str(path), "is no UTF-8", offset=error.start) from error


def _target(recorded: tuple[str | None, Platform | None], python: str | None, platform: Platform | None) -> Target:
    line, system = python or recorded[0], platform or recorded[1] or platform_here()
    if line is None:
        raise UsageError("the lock does not say which Python it is for", hint="say it with --python-version X.Y")
    if system is None:
        raise UsageError("the lock does not say which machine it is for", hint="say it with --python-platform NAME")
    return Target(python=line, platform=system)


# --- requirements files --------------------------------------------------------------------------------------

_MADE_FOR = re.compile(r"^# For Python (?P<python>[0-9.]+) on (?P<platform>\w+);", flags=re.MULTILINE)
_END_OF_REQUIREMENT = re.compile(r"\s+(?:--hash|\\|#)|\n")
_INDEX_OPTION = re.compile(r"(?:-i|-f|--(?:index-url|extra-index-url|find-links|trusted-host))[ =]")


def _target_of_requirements(text: str) -> tuple[str | None, Platform | None]:
    """What the heading that envlock writes says."""
    found = _MADE_FOR.search(text)
    if found is None:
        return None, None
    try:
        return found["python"], find_platform(found["platform"])
    except LookupError:
        return found["python"], None


def _pins_of_requirements(text: str, target: Target, path: Path) -> list[_Pin]:
    """What the target installs of a requirements file; a line that leaves anything open is refused."""
    pins = []
    # An entry goes on until the next line that begins at the margin.
    for entry in re.split(r"\n(?=\S)", text):
        if not entry.strip() or entry.startswith("#") or _INDEX_OPTION.match(entry):
            continue
        pin = next(read_pinned_requirements(entry), None)
        if pin is None or not pin.hashes:
            raise _open_line(entry, path)
        if _applies(entry, target, path):
            pins.append(_Pin(name=pin.name, version=pin.version, hashes=pin.hashes))
    return pins


def _applies(entry: str, target: Target, path: Path) -> bool:
    try:
        marker = Requirement(_END_OF_REQUIREMENT.split(entry, maxsplit=1)[0]).marker
    except InvalidRequirement as error:
        raise _open_line(entry, path) from error
    return marker is None or marker.evaluate(target.marker_environment)


def _open_line(entry: str, path: Path) -> UsageError:
    shown = printable(first_line(entry).rstrip("\\ "), limit=80)
    return UsageError(
        f"{path}: expected name==version with --hash, found {shown!r}",
        hint="only a lock that pins everything by hash can be fetched, such as from envlock or uv pip compile"
        " --generate-hashes",
    )


# --- pylock.toml ---------------------------------------------------------------------------------------------


def _target_of_pylock(document: dict[str, Any]) -> tuple[str | None, Platform | None]:
    """What the lock admits, where that is one Python and one platform that TensorFlow has wheels for."""
    try:
        bounds = SpecifierSet(document.get("requires-python", ""))
        markers = [Marker(text) for text in document.get("environments", ())]
    except (InvalidSpecifier, InvalidMarker, TypeError):
        # Whatever else is wrong with it is said when its packages are read.
        return None, None
    lines = [
        item.version.removesuffix(".*") for item in bounds if item.operator == "==" and item.version.endswith(".*")
    ]
    if len(lines) != 1:
        return None, None
    environments = {platform: Target(python=lines[0], platform=platform).marker_environment for platform in PLATFORMS}
    platforms = [
        platform
        for platform, environment in environments.items()
        if any(marker.evaluate(environment) for marker in markers)
    ]
    return lines[0], platforms[0] if len(platforms) == 1 else None


def _pins_of_pylock(document: dict[str, Any], target: Target, path: Path) -> list[_Pin]:
    """The file that the target installs of each package, as the standard (PEP 751) chooses it."""
    from packaging.pylock import PackageSdist, PackageWheel, Pylock, PylockSelectError, PylockValidationError

    environment = cast("Environment", target.marker_environment)
    tags = [Tag(*tag) for tag in target.wheel_tags()]
    try:
        chosen = list(Pylock.from_dict(document).select(environment=environment, tags=tags))
    except PylockValidationError as error:
        raise DamagedFileError(str(path), f"is no lock of PEP 751: {one_line(str(error))}") from error
    except PylockSelectError as error:
        raise UsageError(f"{path}: does not serve {target}: {one_line(str(error))}") from error
    pins = []
    for package, file in chosen:
        if package.version is None or not isinstance(file, PackageWheel | PackageSdist):
            raise UsageError(f"{path}: {package.name} comes from no package index, so it cannot be fetched")
        hashes = frozenset(f"{algorithm}:{value}" for algorithm, value in file.hashes.items())
        pins.append(_Pin(name=package.name, version=package.version, hashes=hashes))
    return pins


_FIRST_WORDS = "# Fetched by envlock: "


def _write_requirements(pins: Iterable[_Pin], folder: Path, lock_path: Path) -> Path:
    """Write *pins* as a requirements file into *folder*, named after the lock."""
    path = folder / f"{lock_path.stem}.requirements.txt"
    if path.exists() and not _read_text(path).startswith(_FIRST_WORDS):
        found, hint = "exists and was not written by envlock", "choose another folder with -d, or move it away"
        raise OccupiedPathError(str(path), found=found, hint=hint)
    heading = f"{_FIRST_WORDS}the files beside this one, as {printable(lock_path.name)} pins them."
    write_whole(path, "".join(f"{line}\n" for line in [heading, *(pin.line for pin in pins)]))
    return path


# --- what builds sources -------------------------------------------------------------------------------------

# What pip and uv take where a source does not say how it is built (PEP 518).
_USUAL_BUILD_TOOLS = (Requirement("setuptools"), Requirement("wheel"))


def _build_tools(lock: _Lock, files: Iterable[WheelhouseFile]) -> Sequence[_Pin]:
    """What the target needs beside the sources among *files* to build them."""
    sources = [file.name for file in files if file.is_source]
    requirements: set[Requirement] = set()
    for pin in lock.pins:
        if any(_serves(name, pin, lock.target) for name in sources):
            known = find_source_build(pin.name, pin.version)
            requirements.update(known.build if known else _USUAL_BUILD_TOOLS)
    return _resolve(sorted(requirements, key=str), lock.target) if requirements else ()


def _resolve(requirements: Sequence[Requirement], target: Target) -> list[_Pin]:
    (offline,) = resolvers_of(["offline"])
    resolution = offline.resolve(requirements, constraints=(), target=target, interpreter=None)
    return [_Pin(name=pin.name, version=pin.version, hashes=frozenset(pin.hashes)) for pin in resolution.pins]


# --- what makes environments of an old Python ----------------------------------------------------------------


def _fetch_virtualenv(folder: Path, lock: _Lock, reporter: Reporter) -> list[WheelhouseFile]:
    """The virtualenv for the lock's Python and what it requires, which another Python on that platform runs."""
    old = find_old_python(lock.target.python)
    if old is None:
        return []
    target = Target(python=old.run_by, platform=lock.target.platform)
    downloads = _Downloads(folder, replace(lock, target=target), reporter)
    return downloads.complete(_resolve([Requirement(old.virtualenv)], target))


# --- the folder ----------------------------------------------------------------------------------------------

# pip takes a second to start, and what it has fetched is safe only when it ends.
_PINS_AT_ONCE = 8


class _Downloads:
    """Brings the files of pins into a folder."""

    def __init__(self, folder: Path, lock: _Lock, reporter: Reporter) -> None:
        self._folder, self._lock, self._reporter = folder, lock, reporter

    def complete(self, pins: Sequence[_Pin]) -> list[WheelhouseFile]:
        """The file of each pin; those that are not there, or not as they should be, are fetched."""
        if not pins:
            return []
        with self._reporter.step(f"look for {len(pins)} distributions in {self._folder}"):
            present = {pin: file for pin in pins if (file := self._find(pin)) is not None}
        missing = [pin for pin in pins if pin not in present]
        fetched: list[WheelhouseFile] = []
        for start in range(0, len(missing), _PINS_AT_ONCE):
            some = missing[start : start + _PINS_AT_ONCE]
            first, last = start + 1, start + len(some)
            with self._reporter.step(f"fetch distributions {first} to {last} of {len(missing)}: {_names(some)}"):
                fetched += self._fetch(some)
        return [*present.values(), *fetched]

    def _find(self, pin: _Pin) -> WheelhouseFile | None:
        """The file in the folder that the target can install for *pin*."""
        candidates = (path for path in sorted(self._folder.iterdir()) if _serves(path.name, pin, self._lock.target))
        return next((file for path in candidates if (file := _checked(path, pin)) is not None), None)

    def _fetch(self, pins: Sequence[_Pin]) -> list[WheelhouseFile]:
        # Inside the folder, so that a file only has to be renamed when it is whole.
        with TemporaryDirectory(prefix=".envlock-fetch-", dir=self._folder) as workplace:
            lines = [*self._lock.index_options, *(pin.line for pin in pins)]
            text = "".join(f"{line}\n" for line in lines)
            arrived = download(text, target=self._lock.target, workplace=Path(workplace).absolute())
            return [self._take_in(path, _findable_name(path.name, pins)) for path in arrived]

    def _take_in(self, path: Path, name: str) -> WheelhouseFile:
        file = WheelhouseFile(name=name, size=path.stat().st_size, sha256=_digest(path, "sha256"), is_new=True)
        path.replace(self._folder / name)
        return file


def _names(pins: Iterable[_Pin]) -> str:
    return ", ".join(pin.name for pin in pins)


def _serves(file_name: str, pin: _Pin, target: Target) -> bool:
    """Whether an installer on *target* takes a file of this name for *pin*."""
    try:
        if file_name.endswith(".whl"):
            name, version, _, tags = parse_wheel_filename(file_name)
            fits = any((tag.interpreter, tag.abi, tag.platform) in target.wheel_tags() for tag in tags)
        else:
            name, version = parse_sdist_filename(file_name)
            fits = True
    except (InvalidWheelFilename, InvalidSdistFilename):
        return False
    return fits and (name, version) == pin.release


def _findable_name(file_name: str, pins: Iterable[_Pin]) -> str:
    """The name under which installers find a file of one of *pins* in a folder, where it is not the one it has.

    There they take what follows the last dash of an sdist for its version, on an index they do not.
    """
    releases = [*releases_of_source(file_name)]
    pinned = {pin.release for pin in pins}
    if len(releases) < 2 or not (named := [release for release in releases if release in pinned]):
        return file_name
    (name, version), ending = named[0], ".zip" if file_name.endswith(".zip") else ".tar.gz"
    return f"{name.replace('-', '_')}-{version}{ending}"


def _checked(path: Path, pin: _Pin) -> WheelhouseFile | None:
    """The file at *path*, where it is one that *pin* admits, byte for byte."""
    algorithms = {value.partition(":")[0] for value in pin.hashes}
    if not path.is_file() or not any(f"{name}:{_digest(path, name)}" in pin.hashes for name in algorithms):
        return None
    return WheelhouseFile(name=path.name, size=path.stat().st_size, sha256=_digest(path, "sha256"), is_new=False)


def _digest(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
