"""The machine -> executables that may be interpreters, each with the source that it was found in.

`findpython` knows where PATH, pyenv, asdf, rye, uv, python.org's installer for macOS and the registry of Windows
(PEP 514) have interpreters; what it leaves out is added here. Nothing is started but the py launcher.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from findpython.providers.asdf import AsdfProvider
from findpython.providers.base import BaseProvider
from findpython.providers.macos import MacOSProvider
from findpython.providers.path import PathProvider
from findpython.providers.pyenv import PyenvProvider
from findpython.providers.rye import RyeProvider
from findpython.providers.uv import UvProvider
from findpython.providers.winreg import WinregProvider

from envlock.interpreters.folders import data_home, fetched_pythons, is_folder, paths_in, subfolders
from envlock.interpreters.interface import SEARCH_VARIABLE

LISTED = "listed"
"""The source of what ``ENVLOCK_PYTHONS`` lists."""

_LAUNCHER_TIME_LIMIT = 5.0


def find_executables(sources: Iterable[str]) -> dict[Path, str]:
    """The executables of *sources* under their real paths, in order, each with the first source that has it."""
    found: dict[Path, str] = {}
    for source in sources:
        executables: set[Path] = set()
        # Some look under the home folder, and a user without an entry in the password database may have none.
        with suppress(RuntimeError, OSError):
            for executable in SOURCES[source]():
                executables.add(Path(os.path.realpath(executable)))
        # An installation holds its interpreter under several names: `python3.7m` is `python3.7`.
        for executable in sorted(executables, key=lambda path: (len(path.name), path)):
            found.setdefault(executable, source)
    return found


# --- sources -------------------------------------------------------------------------------------------------


def _listed() -> Iterator[Path]:
    for entry in filter(None, os.environ.get(SEARCH_VARIABLE, "").split(os.pathsep)):
        path = _expanded(Path(entry))
        if is_folder(path):
            yield from _in_installations([path])
        else:
            yield path


def _fetched() -> Iterator[Path]:
    yield from _in_installations(subfolders(fetched_pythons()))


def _pyenv() -> Iterator[Path]:
    yield from _found_by(PyenvProvider.create())
    # The port to Windows keeps its versions one folder further down.
    yield from _found_by(PyenvProvider(Path.home() / ".pyenv" / "pyenv-win"))


def _mise() -> Iterator[Path]:
    # mise has taken over the folders of asdf.
    for root in (*paths_in("MISE_DATA_DIR"), data_home() / "mise"):
        yield from _found_by(AsdfProvider(root))


def _uv() -> Iterator[Path]:
    yield from _found_by(UvProvider.create())
    # findpython looks where programs of macOS keep data; uv follows XDG there too.
    yield from _found_by(RyeProvider(data_home() / "uv" / "python"))


def _conda() -> Iterator[Path]:
    yield from _in_installations(prefix for prefix in _conda_prefixes() if is_folder(prefix / "conda-meta"))


def _conda_prefixes() -> Iterator[Path]:
    yield from _recorded_prefixes(Path.home() / ".conda" / "environments.txt")
    for root in _conda_roots():
        yield root
        yield from subfolders(root / "envs")
    for folder in (Path.home() / ".conda" / "envs", *paths_in("CONDA_ENVS_PATH"), *paths_in("CONDA_ENVS_DIRS")):
        yield from subfolders(folder)


def _recorded_prefixes(record: Path) -> list[Path]:
    """Conda and mamba append the prefix of every environment that they make to this file, one a line."""
    try:
        lines = record.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [path for line in lines if (path := Path(line.strip())).is_absolute()]


def _conda_roots() -> Iterator[Path]:
    # conda is in `bin`, `condabin` or, on Windows, `Scripts` of the root.
    yield from (executable.parent.parent for executable in paths_in("CONDA_EXE"))
    yield from paths_in("CONDA_PREFIX")
    yield from paths_in("MAMBA_ROOT_PREFIX")
    for name in ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", "conda"):
        yield from (Path.home() / name, Path("/opt") / name)
    yield data_home() / "mamba"


def _homebrew() -> Iterator[Path]:
    # Macs with Apple's processors, those with Intel's, and Linux.
    prefixes = [Path("/opt/homebrew"), Path("/usr/local"), Path("/home/linuxbrew/.linuxbrew")]
    for prefix in (*paths_in("HOMEBREW_PREFIX"), *prefixes):
        # `opt` links the version in use of each formula, `Cellar` holds all that are installed.
        kegs = [*prefix.glob("opt/python*"), *prefix.glob("Cellar/python*/*")]
        for keg in sorted(kegs):
            yield from _in_folders(keg / "bin", keg / "libexec" / "bin")
            yield from _in_frameworks(keg / "Frameworks")


def _framework() -> Iterator[Path]:
    if platform.system() != "Darwin":
        return
    yield from _found_by(MacOSProvider.create())
    developer = (Path("/Library/Developer/CommandLineTools"), Path("/Applications/Xcode.app/Contents/Developer"))
    for folder in (Path.home(), Path("/System"), *developer):
        yield from _in_frameworks(folder / "Library" / "Frameworks")


def _launcher() -> Iterator[Path]:
    """What the py launcher of Windows lists, which is more than the registry where Python's install manager is."""
    if platform.system() != "Windows":
        return
    with suppress(subprocess.SubprocessError):
        listing = subprocess.run(
            ["py", "--list-paths"],  # noqa: S607 - Windows has it on PATH
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_LAUNCHER_TIME_LIMIT,
            check=True,
        ).stdout
        yield from map(Path, _LAUNCHER_ENTRY.findall(listing))


# Such as ` -V:3.11 *        C:\Python311\python.exe`; launchers before 3.11 write ` -3.7-64        C:\… *`.
_LAUNCHER_ENTRY = re.compile(r"^\s*-\S+\s+(?:\*\s+)?(\S.*?\.exe)\b", flags=re.MULTILINE | re.IGNORECASE)


def _system() -> Iterator[Path]:
    """Of the distribution, deadsnakes and `make install`, for a PATH that leaves them out; of manylinux images."""
    yield from _in_folders(Path("/usr/bin"), Path("/usr/local/bin"))
    yield from _in_installations(subfolders(Path("/opt/python")))


SOURCES: MappingProxyType[str, Callable[[], Iterable[Path]]] = MappingProxyType(
    {
        LISTED: _listed,
        "envlock": _fetched,
        "pyenv": _pyenv,
        "asdf": lambda: _found_by(AsdfProvider.create()),
        "mise": _mise,
        "rye": lambda: _found_by(RyeProvider.create()),
        "uv": _uv,
        "conda": _conda,
        "homebrew": _homebrew,
        "framework": _framework,
        "registry": lambda: _found_by(WinregProvider.create()),
        "launcher": _launcher,
        "system": _system,
        "path": lambda: _in_folders(*paths_in("PATH")),
    }
)
"""What finds the executables of each source. A tool comes before the folders that it may put links into."""

SEARCHED: tuple[str, ...] = tuple(name for name in SOURCES if name != LISTED)
"""The sources of a search that is not restricted."""


# --- folders -------------------------------------------------------------------------------------------------


def _found_by(provider: BaseProvider | None) -> Iterator[Path]:
    if provider is not None:
        yield from (found.executable for found in provider.find_pythons() if not _is_stand_in(found.executable))


def _in_folders(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from _found_by(PathProvider([folder]))


def _in_installations(prefixes: Iterable[Path]) -> Iterator[Path]:
    for prefix in prefixes:
        # Windows has the interpreter in the prefix itself.
        yield from _in_folders(prefix / "bin", prefix)


def _in_frameworks(folder: Path) -> Iterator[Path]:
    # Apple's own is called Python3.
    yield from _in_installations(sorted(folder.glob("Python*.framework/Versions/*")))


def _is_stand_in(executable: Path) -> bool:
    """Whether it is no interpreter itself and does something else than to start one."""
    folder = executable.parent
    return (
        # pyenv, asdf and mise put scripts into folders of this name; what they start is found where it is installed.
        folder.name == "shims"
        # Without Python, these open the shop of Windows; what comes from there is in the registry.
        or folder.name == "WindowsApps"
        # Without Apple's tools for developers, these ask to install them; with them, the framework is found.
        or (folder == Path("/usr/bin") and platform.system() == "Darwin")
    )


def _expanded(path: Path) -> Path:
    """*path* with ``~`` replaced; as it is where nobody has such a home, so that it is told as missing."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path
