"""What uv locks for a Python 3 that its resolver for environments refuses: as a project that supports it and no other.

A project may support Pythons that uv cannot run. Its lock holds every file of each release that the project may
install, for the one Python and platform that it is limited to.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from closures import Trial
from packaging.requirements import Requirement
from tables import read_toml

from envlock.knowledge.specifiers import admits
from envlock.resolution.distributions import rank_wheel
from envlock.target import Target
from envlock.uv_process import run_uv


def lock_project(
    trial: Trial,
    tools: Iterable[str],
    sources: Sequence[str],
    *,
    bounds_of: Callable[[Mapping[str, Any]], Iterable[str]],
) -> Mapping[str, Any]:
    """The document of PEP 751 that uv makes of *trial* beside *tools*.

    uv takes a release for good that has wheels for newer Pythons alone, or leaves that Python out with ``!=``: such
    releases are ruled out, one after the other.

    Args:
        trial: What is locked.
        tools: Requirements beside it.
        sources: Options of uv on wheels and sdists.
        bounds_of: Tells what a package of the document, as it was read, declares as its Requires-Python.

    Raises:
        UvError: It finds no solution.
    """
    required = [*trial.requirements, *map(Requirement, tools)]
    ruled_out: list[Requirement] = []
    while True:
        document = _lock(required, [*trial.constraints, *ruled_out], trial.target, sources)
        unfit = [
            package
            for package in document["packages"]
            if not _has_file(package, trial.target)
            or not all(admits(bound, trial.target.full_python) for bound in bounds_of(package))
        ]
        if not unfit:
            return document
        ruled_out += [Requirement(f"{package['name']}!={package['version']}") for package in unfit]


def _lock(
    requirements: Sequence[Requirement], constraints: Sequence[Requirement], target: Target, sources: Sequence[str]
) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        project, written = Path(folder) / "pyproject.toml", Path(folder) / "pylock.toml"
        project.write_text(_describe_project(requirements, constraints, target), encoding="utf-8")
        for arguments in (
            ("lock", "--quiet", *sources),
            ("export", "--quiet", "--frozen", "--no-emit-project", "--format", "pylock.toml", "-o", str(written)),
        ):
            run_uv(arguments, action="locking", place="the cache of uv", folder=folder)
        return read_toml(written)


def _has_file(package: Mapping[str, Any], target: Target) -> bool:
    """Whether the target installs a wheel of *package*, or it has none at all."""
    names = [file["url"].rpartition("/")[2] for file in package.get("wheels", ())]
    return not names or any(rank_wheel(name, target) is not None for name in names)


def _describe_project(requirements: Sequence[Requirement], constraints: Sequence[Requirement], target: Target) -> str:
    environment = target.marker_environment
    marker = " and ".join(
        [
            f"python_version == '{target.python}'",
            *(f"{variable} == '{environment[variable]}'" for variable in ("sys_platform", "platform_machine")),
        ]
    )
    return "\n".join(
        [
            "[project]",
            'name = "trial"',
            'version = "0"',
            # Bounded above, no Python at hand would be fit to read metadata with.
            f'requires-python = ">={target.full_python}"',
            f"dependencies = {_array(requirements)}",
            "[tool.uv]",
            f"constraint-dependencies = {_array(constraints)}",
            f"environments = {_array([marker])}",
        ]
    )


def _array(items: Iterable[object]) -> str:
    return json.dumps([str(item) for item in items])
