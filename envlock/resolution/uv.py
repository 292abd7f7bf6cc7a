"""Resolution by ``uv pip compile`` over the person's index."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement

from envlock.errors import ResolutionError
from envlock.formats.pinned_requirements import PinnedRequirement, read_pinned_requirements
from envlock.formats.text import without_credentials
from envlock.resolution.interface import Pin, PinnedFile, Resolution
from envlock.target import Target
from envlock.uv_process import UvError, run_uv

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class UvResolver:
    """The resolver of uv, asked for one target at a time."""

    name = "uv"
    needs_interpreter = False

    def resolve(
        self,
        requirements: Sequence[Requirement],
        *,
        constraints: Sequence[Requirement],
        target: Target,
        interpreter: Path | None,
    ) -> Resolution:
        """See :class:`envlock.resolution.interface.Resolver`.

        Wheels alone are tried first; source distributions are admitted only where that has no solution.
        """
        try:
            return self._compile(requirements, constraints, target, interpreter, wheels_only=True)
        except ResolutionError:
            return self._compile(requirements, constraints, target, interpreter, wheels_only=False)

    def _compile(
        self,
        requirements: Sequence[Requirement],
        constraints: Sequence[Requirement],
        target: Target,
        interpreter: Path | None,
        *,
        wheels_only: bool,
    ) -> Resolution:
        common = [
            *("pip", "compile", "-", "--quiet", "--no-header"),
            # Said aloud, since the person's configuration may say otherwise.
            "--no-universal",
            *("--python-platform", target.platform.uv_platform),
            *("--python-version", target.python),
            *(("--python", str(interpreter)) if interpreter else ()),
            *(("--only-binary", ":all:") if wheels_only else ()),
        ]
        # In a folder of its own: the settings of the project that one happens to stand in are not the lock's.
        with TemporaryDirectory(prefix="envlock-") as folder:
            try:
                annotated = _solve(common, requirements, constraints, folder)
                listed = _list_files(common, annotated, folder)
            except UvError as error:
                if not _CANDIDATES_FAULT.search(error.detail):
                    raise
                asked = ", ".join(str(requirement) for requirement in requirements)
                raise ResolutionError(f"{asked} on Python {target.python}", error.detail) from error
        return Resolution(pins=tuple(combine_pins(annotated, listed)), engine=self.name)


# Anything else that uv ends with is the matter of the machine or its configuration.
_CANDIDATES_FAULT = re.compile(r"No solution found|Failed to build|Failed to download and build|does not provide")


def _solve(
    common: Sequence[str], requirements: Sequence[Requirement], constraints: Sequence[Requirement], folder: str
) -> list[PinnedRequirement]:
    """Every distribution with what requires it, which a lock in TOML does not tell."""
    constraints_file = Path(folder) / "constraints.txt"
    constraints_file.write_text(_lines(constraints), encoding="utf-8")
    arguments = [
        *common,
        *("--deps", "--annotate", "--annotation-style", "line", "--constraints", str(constraints_file)),
    ]
    return list(read_pinned_requirements(_run(arguments, requirements, folder)))


def _list_files(common: Sequence[str], pins: Sequence[PinnedRequirement], folder: str) -> Mapping[str, Any]:
    """The files of *pins*, as a lock in TOML (PEP 751): a requirements file holds no more of them than the hashes."""
    lock = Path(folder) / "pylock.toml"
    requirements = [Requirement(f"{pin.name}=={pin.version}") for pin in pins]
    _run([*common, "--no-deps", "--format", "pylock.toml", "--output-file", str(lock)], requirements, folder)
    document: Mapping[str, Any] = tomllib.loads(lock.read_text(encoding="utf-8"))
    return document


def _run(arguments: Sequence[str], requirements: Sequence[Requirement], folder: str) -> str:
    return run_uv(arguments, action="resolving", place="the cache of uv", text=_lines(requirements), folder=folder)


def _lines(requirements: Sequence[Requirement]) -> str:
    return "".join(f"{requirement}\n" for requirement in requirements)


def combine_pins(annotated: Iterable[PinnedRequirement], lock: Mapping[str, Any]) -> Iterator[Pin]:
    """The pins of *annotated* with the files that *lock*, a document of PEP 751, lists for each; sorted by name.

    Of a distribution with wheels the source is left out.
    """
    packages = {package["name"]: package for package in lock["packages"]}
    for pin in sorted(annotated, key=lambda pin: pin.name):
        package = packages[pin.name]
        wheels = package.get("wheels", ())
        files = [_read_file(file) for file in wheels or [package["sdist"]]]
        yield Pin(
            name=pin.name,
            version=pin.version,
            files=tuple(sorted(files, key=lambda file: file.name)),
            via=pin.via,
            is_source=not wheels,
        )


def _read_file(file: Mapping[str, Any]) -> PinnedFile:
    url = file["url"]
    uploaded = file.get("upload-time")
    return PinnedFile(
        name=unquote(urlsplit(url).path.rpartition("/")[2]),
        sha256=file["hashes"]["sha256"],
        size=file.get("size"),
        uploaded=f"{uploaded.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}" if uploaded else None,
        # A lock is for everybody; the credentials of an index are not.
        url=without_credentials(url),
    )
