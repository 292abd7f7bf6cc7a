"""Running pip as a child process: what it complains of becomes one clear line.

pip downloads for any target and by hash, whatever Python runs it. It is the one that virtualenv brings along, so that
nothing has to be installed first, and it follows the person's own configuration: index, proxy, certificates,
credentials, cache. A pip of the target's own installs what was downloaded, where nothing else serves its Python.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from envlock.errors import CertificateError, EnvlockError, NetworkError, unreachable_index
from envlock.formats.text import one_line, without_credentials
from envlock.target import Target


class PipError(EnvlockError):
    """pip ended with an error that is neither the network's nor the disk's."""

    reference = "pip-failed"

    def __init__(self, action: str, detail: str) -> None:
        super().__init__(action, detail)
        self.action, self.detail = action, detail

    def __str__(self) -> str:
        return f"{self.action}: {self.detail}"


class DownloadError(PipError):
    """The package index does not hold what the lock pins, or pip cannot fetch it."""

    reference = "download-failed"


# pip follows the person's settings, except where they say what is to be fetched, for what, and where to.
_OVERRIDDEN_VARIABLES = frozenset(
    {
        "PIP_ABI",
        "PIP_CONSTRAINT",
        "PIP_DEST",
        "PIP_IMPLEMENTATION",
        "PIP_NO_BINARY",
        "PIP_ONLY_BINARY",
        "PIP_PLATFORM",
        "PIP_PYTHON_VERSION",
        "PIP_REQUIREMENT",
        "PYTHONHOME",
        "PYTHONPATH",
    }
)

# To fetch a source, pip asks it for its metadata, which would run its setup.py, with the wrong Python and with tools
# of today. What stands in for setuptools answers with the metadata that lies in the source already (PEP 643).
_RECORDED_METADATA_BACKEND = """\
import email.parser
import os
import shutil
import sys


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    with open("PKG-INFO", encoding="utf-8", errors="replace") as stream:
        recorded = email.parser.Parser().parse(stream, headersonly=True)
    name = "{}-{}.dist-info".format(recorded["Name"].replace("-", "_"), recorded["Version"])
    os.mkdir(os.path.join(metadata_directory, name))
    shutil.copyfile("PKG-INFO", os.path.join(metadata_directory, name, "METADATA"))
    return name


# The name of the backend of sources without a pyproject.toml.
__legacy__ = sys.modules[__name__]
"""

# A source may also bring its own backend (PEP 517, backend-path). Python runs this before anything else, so that pip
# cannot get so far as to import it. pyproject_hooks, through which pip calls backends, has changed the name of its
# variable with its releases.
_OWN_BACKEND_REFUSAL = """\
import os

if any(name.startswith(("_PYPROJECT_HOOKS_BACKEND_PATH", "PEP517_BACKEND_PATH")) for name in os.environ):
    raise SystemExit("brings its own build backend")
"""


def download(
    requirements: str,
    *,
    target: Target,
    workplace: Path,
    sources: Sequence[str] = (),
    requires_hashes: bool = True,
) -> list[Path]:
    """Have pip bring the file that *target* installs for each line of *requirements*; give their paths, sorted.

    Args:
        requirements: The text of a requirements file, every line pinned with ``==`` and its hashes.
        target: What the files are for, whatever runs this.
        workplace: An empty folder, from its root on; everything that pip writes goes there, but for its cache.
        sources: Options that say where files come from, beside the person's settings.
        requires_hashes: Whether a line without hashes is refused.

    Raises:
        NetworkError: The package index cannot be reached.
        DownloadError: The index does not hold what is pinned, or pip cannot fetch it.
        OSError: The disk is full, or *workplace* may not be written to.
    """
    # pip's own temporary files go there too: a full disk is then that of the folder, and nothing stays behind.
    destination, temporary, backend = (workplace / name for name in ("files", "temporary", "backend"))
    for folder in (destination, temporary, backend / "setuptools"):
        folder.mkdir(parents=True)
    (backend / "sitecustomize.py").write_text(_OWN_BACKEND_REFUSAL, encoding="utf-8")
    (backend / "setuptools" / "__init__.py").touch()
    (backend / "setuptools" / "build_meta.py").write_text(_RECORDED_METADATA_BACKEND, encoding="utf-8")
    requirements_file, log = workplace / "requirements.txt", workplace / "pip.log"
    requirements_file.write_text(requirements, encoding="utf-8")
    _, abi, _ = next(iter(target.wheel_tags()))
    arguments = [
        *("download", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"),
        *("--no-deps", "--no-build-isolation", *sources, *(["--require-hashes"] if requires_hashes else [])),
        *("--python-version", target.full_python, "--implementation", "cp", "--abi", abi),
        *(word for platform in target.platform.wheel_platforms() for word in ("--platform", platform)),
        *("--dest", str(destination), "--requirement", str(requirements_file), "--log", str(log)),
    ]
    inherited = {name: value for name, value in os.environ.items() if name not in _OVERRIDDEN_VARIABLES}
    settings = {"TMPDIR": str(temporary), "PYTHONPATH": str(backend), "PIP_USE_PEP517": "1", "NO_COLOR": "1"}
    done = subprocess.run(  # noqa: S603 - pip, with options of our own
        # Isolated, so that only the child that asks for metadata sees what stands in for setuptools.
        [sys.executable, "-I", _bundled_pip(), *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=inherited | _index_of_uv() | settings,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        raise _read_failure(done.stdout + done.stderr, _read_log(log), target)
    return sorted(destination.iterdir())


def install_from(
    folder: Path, requirements: str, *, python: Path, program: Sequence[str], kept_open: Sequence[int] = ()
) -> None:
    """Have a pip of its own install *requirements* into the environment of *python*, from *folder* alone.

    Whatever sources need to be built has to lie in *folder* as well.

    Args:
        folder: Where the file of each line lies.
        requirements: The text of a requirements file, every line pinned with ``==`` and its hashes.
        python: The interpreter of the environment.
        program: What it runs for pip: ``-m pip``, or the pip in a wheel, which builds nothing.
        kept_open: File descriptors that pip gets of those that envlock holds open.

    Raises:
        PipError: A file does not install there, or a source does not build.
        OSError: The disk is full, or the environment may not be written to.
    """
    requirements_file = folder / "requirements.txt"
    requirements_file.write_text(requirements, encoding="utf-8")
    arguments = [
        *("install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--no-cache-dir"),
        *("--no-deps", "--require-hashes", "--no-index", "--find-links", str(folder)),
        # Else the oldest sources are built by whatever setuptools the environment holds, and without a record.
        *("--use-pep517", "--requirement", str(requirements_file)),
    ]
    # Where files come from was settled when they were brought.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    done = subprocess.run(  # noqa: S603 - pip, with options of our own
        [str(python), "-s", *program, *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=inherited | {"PIP_CONFIG_FILE": os.devnull, "TMPDIR": str(folder), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        # With -m, what lies where one happens to stand would come first.
        cwd=folder,
        pass_fds=kept_open,
        check=False,
    )
    if done.returncode != 0:
        output = done.stdout + done.stderr
        if trouble := _DISK_TROUBLE.search(output):
            raise OSError(trouble[0])
        raise PipError("installing", _read_complaint(output))


# --- pip itself ---------------------------------------------------------------------------------------------


def _bundled_pip() -> str:
    """The pip that virtualenv would put into environments of this Python: its wheel can be run as it is."""
    from virtualenv.seed.wheels.embed import get_embed_wheel

    wheel = get_embed_wheel("pip", f"{sys.version_info.major}.{sys.version_info.minor}")
    if wheel is None:
        raise DownloadError("fetching", "the installed virtualenv comes without pip")
    return str(Path(wheel.path) / "pip")


def _index_of_uv() -> dict[str, str]:
    """The index that the environment names for uv, which installs, in the words of pip, which downloads."""
    named = os.environ.get("UV_DEFAULT_INDEX")
    if not named or "PIP_INDEX_URL" in os.environ:
        return {}
    # It may carry a name: `internal=https://…`.
    return {"PIP_INDEX_URL": re.sub(r"^[\w.-]+=", "", named)}


def _read_log(path: Path) -> str:
    # It is missing where pip did not even start.
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


# --- what went wrong -----------------------------------------------------------------------------------------

_DISK_TROUBLE = re.compile(r"No space left on device|Disk quota exceeded|Read-only file system|Permission denied")
_HASH_TROUBLE = re.compile(r"DO NOT MATCH THE HASHES.*?\n\s+(?P<pin>\S+==\S+)", flags=re.DOTALL)
_SOURCE_TROUBLE = re.compile(r"metadata-generation-failed.*?╰─> (?P<name>\S+)", flags=re.DOTALL)
# That a page of the index is not there (4xx) is an answer.
_NETWORK_TROUBLE = re.compile(
    r"Could not fetch URL \S+: (?!4\d\d )(?P<reason>.+?)(?: - skipping)?$", flags=re.MULTILINE
)
_LOST_CONNECTION = re.compile(
    r"^error: (?:connection|proxy|ssl|incomplete)-|Retrying \(Retry|ConnectionPool|ProtocolError|HTTP error 5\d\d",
    flags=re.MULTILINE,
)
_COMPLAINT = re.compile(r"^(?:ERROR: |\u00d7 |╰─> )(.+)", flags=re.MULTILINE)


def _read_failure(output: str, log: str, target: Target) -> EnvlockError | OSError:
    """The error that *output*, what pip wrote, and its *log*, which tells more, amount to: one line."""
    output, log = map(without_credentials, (output, log))
    detail = _read_complaint(output)
    if trouble := _DISK_TROUBLE.search(output):
        return OSError(trouble[0])
    if mismatch := _HASH_TROUBLE.search(output):
        return DownloadError(
            "fetching", f"the index serves another file for {mismatch['pin']} than the lock pins (hash mismatch)"
        )
    if source := _SOURCE_TROUBLE.search(output):
        return DownloadError(
            "fetching", f"the source distribution of {source['name']} is none of setuptools: to fetch it would run it"
        )
    if unreached := _NETWORK_TROUBLE.search(log):
        return unreachable_for_pip("fetching", one_line(unreached["reason"]))
    if _LOST_CONNECTION.search(output):
        return unreachable_for_pip("fetching", detail)
    return DownloadError(f"fetching for {target}", detail)


def _read_complaint(output: str) -> str:
    """The last complaint in what pip wrote, else its last line."""
    complaints = _COMPLAINT.findall(output)
    return one_line(complaints[-1] if complaints else output.strip().rpartition("\n")[2]) or "pip was ended"


def unreachable_for_pip(action: str, detail: str) -> NetworkError:
    """That the index of pip does not answer while *action* goes on, with *detail* as pip tells it."""
    error = unreachable_index(action, detail)
    if not isinstance(error, CertificateError):
        error.hint = "check the connection, the proxy and the index settings of pip, then run the same command again"
    return error
