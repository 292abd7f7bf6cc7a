"""Lock -> distributions in an environment: by uv, or by the pip of a Python that uv does not serve.

An installer also makes the empty environment that it installs into. Both are told where they may write, and hold the
claim on that place until they end.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from envlock.errors import InstallationError
from envlock.formats.pinned_requirements import read_pinned_requirements
from envlock.formats.text import first_line
from envlock.interpreters import Interpreter
from envlock.knowledge.pip_support import find_old_python
from envlock.pip_process import PipError, download, install_from
from envlock.reporter import Reporter
from envlock.target import Target, platform_here
from envlock.uv_process import UvError, run_uv


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is installed, where to, and where from."""

    interpreter: Interpreter
    """What the environment is based on."""

    site: Path
    """The folder of the environment, with links followed."""

    place: Path
    """The same as the person named it, for errors."""

    claim: int
    """File descriptor that holds *site* against other runs until its last holder ends."""

    lock_text: str
    """Requirements, every one pinned with ``==`` and its hashes."""

    build_constraints: str | None
    """Requirements that hold for whatever sdists need to be built."""

    find_links: tuple[Path, ...]
    """Folders of wheels and sources, beside the index."""

    no_index: bool
    """Whether those folders are all there is."""

    uv_executable: str | None
    """The uv to work with, instead of the one that came with envlock."""

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.site / "bin" / "python"

    @property
    def title(self) -> str:
        """What is being done, for people."""
        return f"install {_count_pins(self.lock_text)} distributions"

    @property
    def sources(self) -> list[str]:
        """The options of uv and pip that say where distributions come from, beside the person's settings."""
        # Neither runs in the folder that the person stands in.
        folders = [option for folder in self.find_links for option in ("--find-links", str(folder.absolute()))]
        return [*folders, *(["--no-index"] if self.no_index else [])]


class Installer(Protocol):
    """Makes an empty environment, and installs a lock into it."""

    def make_empty_environment(self, job: Installation) -> None:
        """Make an environment without any distribution: pip is part of the lock.

        Raises:
            InstallationError: The interpreter cannot be served.
            NetworkError: What makes the environment has to be fetched, and the index cannot be reached.
        """

    def install(self, job: Installation, reporter: Reporter) -> None:
        """Install exactly what the lock pins; *reporter* hears of each step.

        Raises:
            InstallationError: The index does not hold what the lock pins, or a source does not build.
            NetworkError: The index cannot be reached.
            WriteError: The disk is full, or may not be written to.
        """


def installer_for(interpreter: Interpreter) -> Installer:
    """What serves environments of *interpreter*."""
    old = find_old_python(interpreter.line)
    return UvInstaller() if old is None else PipInstaller(old.virtualenv)


def _count_pins(lock_text: str) -> int:
    return len(re.findall(r"^[A-Za-z0-9][^\s;=]*==", lock_text, flags=re.MULTILINE))


# --- virtualenv and uv ---------------------------------------------------------------------------------------


class UvInstaller:
    """The virtualenv that came with envlock, and uv: parallel, cached, and from its cache by links."""

    def make_empty_environment(self, job: Installation) -> None:
        """See :class:`Installer`."""
        # Here, since a lock alone must not wait for it.
        import virtualenv

        settings = {name: value for name, value in os.environ.items() if not name.startswith("VIRTUALENV_")}
        arguments = [str(job.site), "--python", str(job.interpreter.executable), "--no-seed", "--no-download"]
        try:
            virtualenv.cli_run(arguments, setup_logging=False, env=settings)
        except (RuntimeError, SystemExit) as error:
            raise _no_environment(job, first_line(str(error)) or "virtualenv does not serve it") from error
        _drop_unreadable_hook(job)

    def install(self, job: Installation, reporter: Reporter) -> None:
        """See :class:`Installer`."""
        arguments = ["pip", "sync", "--require-hashes", *job.sources, "--python", str(job.python)]
        arguments += ["--link-mode", _link_mode(), "-"]
        with reporter.step(job.title), TemporaryDirectory(prefix="envlock-") as folder:
            if job.build_constraints is not None:
                constraints = Path(folder) / "build-constraints.txt"
                constraints.write_text(job.build_constraints, encoding="utf-8")
                arguments += ["--build-constraints", str(constraints)]
            try:
                run_uv(
                    arguments,
                    action=f"{job.place}: installing its lock",
                    place=str(job.place),
                    text=job.lock_text,
                    executable=job.uv_executable,
                    folder=folder,
                    # A claim is given back when its last holder ends: uv goes on for a moment after envlock was killed.
                    kept_open=[job.claim],
                )
            except UvError as error:
                raise InstallationError(str(job.place), error.detail) from error


def _link_mode() -> str:
    """How uv brings files from its cache: as the person has set it, but for symbolic links.

    Those end with the cache, and lead out of what a child sees that loads a model in the environment.
    """
    wanted = os.environ.get("UV_LINK_MODE", "")
    return wanted if wanted in {"clone", "copy", "hardlink"} else "hardlink"


def _drop_unreadable_hook(job: Installation) -> None:
    """Remove virtualenv's start-up hook where the interpreter cannot read it.

    The hook only guards installations by an outdated pip. Written for newer Pythons, it makes older ones print a
    traceback at every start.
    """
    for hook in job.site.rglob("_virtualenv.py"):
        program = f"compile(open({str(hook)!r}).read(), 'hook', 'exec')"
        checked = subprocess.run([str(job.python), "-S", "-c", program], capture_output=True, check=False)  # noqa: S603
        if checked.returncode != 0:
            hook.unlink()
            hook.with_suffix(".pth").unlink()


def _no_environment(job: Installation, detail: str) -> InstallationError:
    return InstallationError(f"{job.place}: no environment of Python {job.interpreter.version}", detail)


# --- the tools of an old Python --------------------------------------------------------------------------------


class PipInstaller:
    """The last virtualenv for an old Python, which uv runs, and the pip that its lock pins.

    That pip is run from its own wheel, and sees no network: a pip of today has brought every file by its hash.
    """

    def __init__(self, virtualenv: str) -> None:
        """Make environments with *virtualenv*, given as ``name==version``."""
        self._virtualenv = virtualenv

    def make_empty_environment(self, job: Installation) -> None:
        """See :class:`Installer`."""
        # Isolated from a virtualenv that the person may have installed with uv, by a Python that is known to run it.
        tool = ["tool", "run", "--quiet", "--isolated", "--python", sys.executable, *job.sources]
        tool += ["--from", self._virtualenv, "virtualenv"]
        arguments = ["--quiet", "--no-seed", "--no-download", "--python", str(job.interpreter.executable)]
        try:
            run_uv(
                [*tool, *arguments, str(job.site)],
                action=f"{job.place}: making an environment with {self._virtualenv}",
                place=str(job.place),
                executable=job.uv_executable,
                kept_open=[job.claim],
            )
        except UvError as error:
            raise _no_environment(job, f"{self._virtualenv}, which makes it: {error.detail}") from error

    def install(self, job: Installation, reporter: Reporter) -> None:
        """See :class:`Installer`."""
        # In the environment, so that a run that is ended leaves nothing that the next one would not remove.
        with TemporaryDirectory(prefix=".envlock-files-", dir=job.site) as folder:
            with reporter.step(f"fetch {_count_pins(job.lock_text)} distributions"):
                files = self._fetch(job, Path(folder))
            with reporter.step(job.title):
                self._install(job, files)

    def _fetch(self, job: Installation, folder: Path) -> Path:
        """The folder in which every file of the lock lies, and what its sources are built with."""
        platform = platform_here()
        if platform is None:
            raise InstallationError(str(job.place), "no wheels of TensorFlow are known for this machine")
        target = Target(python=job.interpreter.line, platform=platform)
        files = folder / "files"
        files.mkdir()
        texts = [job.lock_text, *filter(None, [job.build_constraints])]
        for number, text in enumerate(texts):
            try:
                arrived = download(
                    text,
                    target=target,
                    workplace=folder / str(number),
                    sources=job.sources,
                    # What builds a source is pinned by version alone, as for uv.
                    requires_hashes=text is job.lock_text,
                )
            except PipError as error:
                raise InstallationError(str(job.place), error.detail) from error
            for path in arrived:
                path.replace(files / path.name)
        return files

    def _install(self, job: Installation, files: Path) -> None:
        pin = next((pin for pin in read_pinned_requirements(job.lock_text) if pin.name == "pip"), None)
        wheel = next(files.glob(f"pip-{pin.version}-*.whl"), None) if pin else None
        if pin is None or wheel is None:
            problem = f"uv does not serve Python {job.interpreter.line}, and the lock pins no pip to install it with"
            raise InstallationError(str(job.place), problem)
        alone = f"pip=={pin.version} {' '.join(f'--hash={value}' for value in sorted(pin.hashes))}\n"
        try:
            # From within its wheel, pip installs wheels but builds nothing.
            install_from(files, alone, python=job.python, program=[str(wheel / "pip")], kept_open=[job.claim])
            install_from(files, job.lock_text, python=job.python, program=["-m", "pip"], kept_open=[job.claim])
        except PipError as error:
            raise InstallationError(str(job.place), error.detail) from error
