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
from envlock.resolution.interface import Pin, PinnedFile, Resolution, UnservedTargetError
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
    asks_index = True

    def resolve(
        self,
        requirements: Sequence[Requirement],
        *,
        constraints: Sequence[Requirement],
        target: Target,
        interpreter: Path | None,
        kept: Sequence[Requirement] = (),
    ) -> Resolution:
        """See :class:`envlock.resolution.interface.Resolver`.

        Wheels alone are tried first; source distributions are admitted only where that has no solution. Kept pins hold
        like constraints at first, and are what uv prefers where that has none.
        """
        *attempts, last = [
            ([*constraints, *kept], True),
            *([(constraints, True)] if kept else []),
            (constraints, False),
        ]
        for bounds, wheels_only in attempts:
            try:
                return self._compile(requirements, bounds, kept, target, interpreter, wheels_only=wheels_only)
            except ResolutionError as refusal:
                if isinstance(refusal, UnservedTargetError) or _ABSENT.search(refusal.explanation):
                    raise
        bounds, wheels_only = last
        return self._compile(requirements, bounds, kept, target, interpreter, wheels_only=wheels_only)

    def _compile(
        self,
        requirements: Sequence[Requirement],
        constraints: Sequence[Requirement],
        kept: Sequence[Requirement],
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
                annotated = _solve(common, requirements, constraints, kept, Path(folder))
                listed = _list_files(common, annotated, folder)
            except UvError as error:
                asked = f"{', '.join(map(str, requirements))} on Python {target.python}"
                if _UNSERVED_PYTHON.search(error.detail):
                    problem, hint = f"uv does not resolve for Python {target.python}", "take another --python-version"
                    raise UnservedTargetError(asked, problem, hint=hint) from error
                if not _CANDIDATES_FAULT.search(error.detail):
                    raise
                raise ResolutionError(asked, error.detail) from error
        return Resolution(pins=tuple(combine_pins(annotated, listed)), engine=self.name)


# Anything else that uv ends with is the matter of the machine or its configuration.
_CANDIDATES_FAULT = re.compile(r"No solution found|Failed to build|Failed to download and build|does not provide")

# Of what is asked for by name; no other way of asking finds it.
_ABSENT = re.compile(r"was not found in the package registry")

# Said of the target, or of the interpreter that is to build sources.
_UNSERVED_PYTHON = re.compile(r"Python <\S+ is not supported|Please use Python \S+ or newer")


def _solve(
    common: Sequence[str],
    requirements: Sequence[Requirement],
    constraints: Sequence[Requirement],
    kept: Sequence[Requirement],
    folder: Path,
) -> list[PinnedRequirement]:
    """Every distribution with what requires it, which a lock in TOML does not tell."""
    constraints_file, pinned_file = folder / "constraints.txt", folder / "pinned.txt"
    constraints_file.write_text(_lines(constraints), encoding="utf-8")
    # What stands in the output is preferred by uv.
    pinned_file.write_text(_lines(kept), encoding="utf-8")
    arguments = [
        *common,
        *("--deps", "--annotate", "--annotation-style", "line", "--constraints", str(constraints_file)),
        *("--output-file", str(pinned_file)),
    ]
    _run(arguments, requirements, str(folder))
    return list(read_pinned_requirements(pinned_file.read_text(encoding="utf-8")))


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
