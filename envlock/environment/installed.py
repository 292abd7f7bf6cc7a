"""A Python of any line -> what is installed for it, read from the names in its folders; nothing there is imported.

Works for virtual environments, conda environments and installations of Python 2.7 on. Only an installation is asked,
for its version and prefix: a virtual environment has both on file.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envlock.errors import UsageError
from envlock.interpreters import TIME_LIMIT
from envlock.interpreters.question import NoAnswerError, ask
from envlock.knowledge.families import members_of
from envlock.knowledge.loaders import Loader, all_loaders
from envlock.knowledge.releases import line_of, line_order, lines_of

_NAME_IT = "name the folder of an environment, or its interpreter"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledEnvironment:
    """A Python, and the distributions that it imports from."""

    executable: Path
    """As it was named, absolute; links are not followed, since they lead out of virtual environments."""

    base: Path
    """The interpreter that a virtual environment was made from; the same for what is none, or does not tell."""

    python: Version
    folders: tuple[Path, ...]
    """Existing ones that distributions stand in, in the order in which Python looks there."""

    personal_folders: tuple[Path, ...]
    """Those of them that belong to the person: what ``PYTHONPATH`` names, and the user's own where it looks there."""

    distributions: Mapping[str, Version]
    """By normalised name, sorted; of several versions, the one that is imported."""

    remains: Mapping[str, Version]
    """Members of the TensorFlow family that are on record as installed, without the package that they share."""

    elsewhere: frozenset[str]
    """Distributions that came from a folder, an archive or a repository, and not from an index."""

    @property
    def python_line(self) -> str:
        """The minor release series, such as ``3.7``."""
        return line_of(self.python)

    @property
    def tensorflow(self) -> tuple[str, Version] | None:
        """The member of the TensorFlow family that is installed, and its version; of several, the newest."""
        members = [(name, version) for name, version in self.distributions.items() if name in _family()]
        return max(members, key=lambda member: member[1], default=None)

    @property
    def variables(self) -> dict[str, str]:
        """What an isolated Python needs to find what the person has installed beside the environment."""
        folders = os.pathsep.join(map(str, self.personal_folders))
        return {"PYTHONPATH": folders} if folders else {}

    def loaders(self) -> tuple[Loader, ...]:
        """The lines of implementations that are there to load with, in the order of the table.

        A release that is newer than all that are known stands for the newest of them.
        """
        versions = dict(self.distributions)
        if self.tensorflow is not None:
            versions["tensorflow"] = self.tensorflow[1]
        return tuple(loader for loader in all_loaders() if _is_of(loader, versions.get(loader.release.distribution)))


def _family() -> tuple[str, ...]:
    return members_of("tensorflow")


def _is_of(loader: Loader, installed: Version | None) -> bool:
    if installed is None:
        return False
    newest = lines_of(loader.release.distribution)[-1]
    return loader.line == min(line_of(installed), newest, key=line_order)


def find_python(place: Path) -> Path:
    """The interpreter at *place*: itself, that of a folder, or the one that the search path has under that name.

    Raises:
        UsageError: There is none.
    """
    if place.is_dir():
        inside = (place / name for name in ("bin/python", "Scripts/python.exe", "python.exe", "bin/python3"))
        found = next(filter(os.path.lexists, inside), None)
        if found is None:
            raise UsageError(f"{place}: holds no bin/python", hint=_NAME_IT)
        return found.absolute()
    if os.path.lexists(place):
        return place.absolute()
    named = shutil.which(place) if place.name == str(place) else None
    if named is None:
        raise UsageError(f"{place}: there is no such interpreter", hint=_NAME_IT)
    return Path(named).absolute()


def read_environment(executable: Path, *, heeds_python_path: bool = True) -> InstalledEnvironment:
    """Read what is installed for the interpreter *executable*.

    What ``PYTHONPATH`` names here and now is part of it, unless the question is what others find there.

    Raises:
        UsageError: It is broken, or no Python.
    """
    if not executable.exists():
        problem = f"{executable}: is a link to {os.path.realpath(executable)}, which is gone"
        raise UsageError(problem, hint="the Python that the environment was made from was removed: make it anew")
    configuration = _read_configuration(executable)
    named = tuple(_existing(_named_folders())) if heeds_python_path else ()
    if configuration is None:
        version, prefix = _ask(executable)
        personal = (*named, *_existing(_personal_folders(line_of(version))))
        folders = (*personal, *_existing(_folders_of(prefix, line_of(version))))
    else:
        version, prefix = _version_of(configuration, executable), executable.parent.parent
        personal = named
        folders = (*personal, *_existing(_folders_of(prefix, line_of(version))))
        if configuration.get("include-system-site-packages", "").lower() == "true" and "home" in configuration:
            personal = (*named, *_existing(_personal_folders(line_of(version))))
            system = _existing(_folders_of(Path(configuration["home"]).parent, line_of(version)))
            folders = (*personal, *_existing(_folders_of(prefix, line_of(version))), *system)
    found = _distributions_in(folders)
    remains = {} if _hold_tensorflow(folders) else _on_record(found)
    return InstalledEnvironment(
        executable=executable,
        base=_base_of(configuration or {}, line_of(version), executable),
        python=version,
        folders=folders,
        personal_folders=personal,
        distributions={name: found[name].version for name in sorted(found) if name not in remains},
        remains=remains,
        elsewhere=frozenset(name for name, item in found.items() if item.is_from_elsewhere),
    )


# --- the interpreter -----------------------------------------------------------------------------------------

_LARGEST_TEXT = 64 * 1024
_NUMBERS = re.compile(r"\d+\.\d+(\.\d+)?")


def _read_configuration(executable: Path) -> dict[str, str] | None:
    """The settings of a virtual environment (PEP 405), keys in small letters; ``None`` for what is none."""
    for folder in (executable.parent, executable.parent.parent):
        path = folder / "pyvenv.cfg"
        if path.is_file():
            pairs = (line.partition("=") for line in _read_text(path).splitlines())
            return {key.strip().lower(): value.strip() for key, _, value in pairs}
    return None


def _version_of(configuration: Mapping[str, str], executable: Path) -> Version:
    """What the maker of the environment recorded: `venv` and `virtualenv` name it differently."""
    for key in ("version", "version_info"):
        numbers = _NUMBERS.match(configuration.get(key, ""))
        if numbers is not None:
            return Version(numbers[0])
    return _ask(executable)[0]


def _base_of(configuration: Mapping[str, str], line: str, executable: Path) -> Path:
    base = Path(configuration.get("home", "")) / f"python{line}"
    return base if base.is_absolute() and base.exists() else executable


def _ask(executable: Path) -> tuple[Version, Path]:
    """The version and the prefix of an installation.

    Raises:
        UsageError: It does not say.
    """
    try:
        facts = ask(executable, time_limit=TIME_LIMIT)
    except NoAnswerError as error:
        raise UsageError(f"{executable}: {error}", hint=_NAME_IT) from error
    return Version(facts["version"]), Path(facts["prefix"])


# --- its folders ---------------------------------------------------------------------------------------------


def _folders_of(prefix: Path, line: str) -> Iterator[Path]:
    """Where the installations of CPython, conda and Debian keep distributions, as `site` lists them."""
    yield prefix / "local" / "lib" / f"python{line}" / "dist-packages"
    for library in ("lib", "lib64"):
        yield prefix / library / f"python{line}" / "site-packages"
    yield prefix / "lib" / f"python{line[0]}" / "dist-packages"
    yield prefix / "lib" / f"python{line}" / "dist-packages"
    yield prefix / "Lib" / "site-packages"


def _named_folders() -> Iterator[Path]:
    """What the person has put before everything else, for every Python that is started from here."""
    yield from (Path(name).absolute() for name in os.environ.get("PYTHONPATH", "").split(os.pathsep) if name)


def _personal_folders(line: str) -> Iterator[Path]:
    """Where ``pip install --user`` puts distributions (PEP 370)."""
    with suppress(RuntimeError):
        base = os.environ.get("PYTHONUSERBASE")
        yield Path(base or Path.home() / ".local") / "lib" / f"python{line}" / "site-packages"
        yield Path.home() / "Library" / "Python" / line / "lib" / "python" / "site-packages"
    if "APPDATA" in os.environ:
        yield Path(os.environ["APPDATA"]) / "Python" / f"Python{line.replace('.', '')}" / "site-packages"


def _existing(folders: Iterator[Path]) -> Iterator[Path]:
    """Those of *folders* that exist, each once: `lib64` is often a link to `lib`."""
    seen = set()
    for folder in folders:
        real = os.path.realpath(folder)
        if folder.is_dir() and real not in seen:
            seen.add(real)
            yield folder


# --- its distributions ---------------------------------------------------------------------------------------

_METADATA_NAME = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._]*?)-(?P<version>[^-]+)\.dist-info"
    r"|(?P<egg>[A-Za-z0-9][A-Za-z0-9._]*?)(-(?P<egg_version>[^-]+)(-.*)?)?\.egg(-info)?"
)
_VERSION_FIELD = re.compile(r"^Version:\s*(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Installed:
    version: Version
    is_from_elsewhere: bool


def _distributions_in(folders: tuple[Path, ...]) -> dict[str, _Installed]:
    found: dict[str, _Installed] = {}
    for folder in folders:
        here: dict[str, _Installed] = {}
        for name, item in _read_folder(folder):
            # An interrupted installation may leave the metadata of an older version behind.
            if name not in here or here[name].version < item.version:
                here[name] = item
        found = here | found
    return found


def _hold_tensorflow(folders: tuple[Path, ...]) -> bool:
    """Whether Python finds what is imported: distributions of the family share it, and each removes it for all."""
    return any((folder / name).exists() for folder in folders for name in ("tensorflow", "tensorflow.py"))


def _on_record(found: Mapping[str, _Installed]) -> dict[str, Version]:
    """The members of the family, but for those whose package lies where their source is."""
    members = {name: found[name] for name in _family() if name in found}
    return {name: item.version for name, item in members.items() if not item.is_from_elsewhere}


def _read_folder(folder: Path) -> Iterator[tuple[str, _Installed]]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.suffix == ".egg-link":
            yield from _read_linked(entry)
        else:
            yield from _read_entry(entry)


def _read_entry(entry: Path) -> Iterator[tuple[str, _Installed]]:
    """The distribution that metadata of a wheel, of an egg or of `distutils` speak of; nothing for other entries."""
    match = _METADATA_NAME.fullmatch(entry.name)
    if match is None:
        return
    # In the name, underscores stand for what the version has as hyphens.
    written = match["version"] or match["egg_version"] or _version_in_metadata(entry)
    with suppress(InvalidVersion):
        # An address besides an index is recorded here (PEP 610).
        is_from_elsewhere = (entry / "direct_url.json").is_file()
        name = canonicalize_name(match["name"] or match["egg"])
        yield name, _Installed(Version(written.replace("_", "-")), is_from_elsewhere)


def _read_linked(link: Path) -> Iterator[tuple[str, _Installed]]:
    """The distribution that ``setup.py develop`` has linked: the link holds the folder of its source."""
    source = _read_text(link).strip().partition("\n")[0].strip()
    if source:
        for metadata in sorted(Path(source).glob("*.egg-info")):
            yield from ((name, _Installed(item.version, True)) for name, item in _read_entry(metadata))


def _version_in_metadata(entry: Path) -> str:
    path = entry / "PKG-INFO" if entry.is_dir() else entry
    field = _VERSION_FIELD.search(_read_text(path))
    return field[1] if field else ""


def _read_text(path: Path) -> str:
    """The start of a text file; empty where it cannot be read."""
    try:
        # A folder of somebody else may hold anything under this name; to open a pipe would wait for its writer.
        if not path.is_file():
            return ""
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(_LARGEST_TEXT)
    except OSError:
        return ""
