"""Resolution by ``uv pip compile`` over the person's index."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.errors import ResolutionError
from envlock.resolution.interface import Pin, Resolution
from envlock.target import Target
from envlock.uv_process import UvError, run_uv


class UvResolver:
    """The resolver of uv, asked for one target at a time."""

    name = "uv"

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
        with TemporaryDirectory(prefix="envlock-") as folder:
            constraints_file = Path(folder) / "constraints.txt"
            constraints_file.write_text(_lines(constraints), encoding="utf-8")
            arguments = [
                *("pip", "compile", "-", "--quiet", "--generate-hashes", "--no-header"),
                # Said aloud, since the person's configuration may say otherwise.
                *("--no-universal", "--deps", "--annotate", "--annotation-style", "split"),
                *("--python-platform", target.platform.uv_platform),
                *("--python-version", target.python),
                *(("--python", str(interpreter)) if interpreter else ()),
                *("--constraints", str(constraints_file)),
                *(("--only-binary", ":all:") if wheels_only else ()),
            ]
            try:
                # In a folder of its own: the settings of the project that one happens to stand in are not the lock's.
                compiled = run_uv(
                    arguments, action="resolving", place="the cache of uv", text=_lines(requirements), folder=folder
                )
            except UvError as error:
                if not _CANDIDATES_FAULT.search(error.detail):
                    raise
                asked = ", ".join(str(requirement) for requirement in requirements)
                raise ResolutionError(f"{asked} on Python {target.python}", error.detail) from error
        return Resolution(pins=tuple(parse_pins(compiled)), engine=self.name)


# Anything else that uv ends with is the matter of the machine or its configuration.
_CANDIDATES_FAULT = re.compile(r"No solution found|Failed to build|Failed to download and build|does not provide")


def _lines(requirements: Sequence[Requirement]) -> str:
    return "".join(f"{requirement}\n" for requirement in requirements)


_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"--hash=(?P<hash>[a-z0-9]+:[0-9a-f]+)")
_VIA = re.compile(r"#\s+(?:via\s+)?(?P<name>\S+)")


def parse_pins(compiled: str) -> list[Pin]:
    """The pins of a requirements file as uv writes it: hashes on continued lines, ``# via`` comments below."""
    rows: list[tuple[str, Version, list[str], list[str]]] = []
    for line in compiled.splitlines():
        if pin := _PIN.match(line):
            rows.append((canonicalize_name(pin["name"]), Version(pin["version"]), [], []))
        elif found := _HASH.search(line):
            rows[-1][2].append(found["hash"])
        elif (via := _VIA.search(line)) and via["name"] not in {"via", "-r", "-c", "-"}:
            rows[-1][3].append(via["name"])
    return [
        Pin(name=name, version=version, hashes=tuple(sorted(hashes)), via=tuple(sorted(via)))
        for name, version, hashes, via in sorted(rows, key=lambda row: row[0])
    ]
