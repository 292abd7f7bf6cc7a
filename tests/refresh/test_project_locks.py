"""Locks of a Python 3 that uv serves only as that of a project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import project_locks
import pytest
from closures import Trial
from packaging.requirements import Requirement
from packaging.version import Version
from tables import read_toml

from envlock.target import LINUX_X86_64, WINDOWS_X86_64, Platform, Target

HOST = "https://files.index.test"


def trial(platform: Platform = LINUX_X86_64) -> Trial:
    return Trial(
        subject="tensorflow",
        version=Version("1.14.0"),
        requirements=(Requirement("tensorflow==1.14.0"),),
        constraints=(Requirement("h5py<3"),),
        target=Target(python="3.5", platform=platform),
    )


def package(name: str, version: str, *tags: str) -> str:
    """A package of a lock with a wheel of each of *tags*; with its sdist alone where there are none."""
    wheels = "".join(f'{{url = "{HOST}/{name}-{version}-{tag}.whl"}},' for tag in tags)
    return f'[[packages]]\nname = "{name}"\nversion = "{version}"\nwheels = [{wheels}]\n'


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, Any]]]:
    """Has uv lock projects as the given texts say, one after the other; gives the projects that it is to lock."""

    def prepare(*locks: str) -> list[dict[str, Any]]:
        remaining, projects = [*locks], []

        def run(arguments: Sequence[str], *, folder: str, **_: Any) -> str:
            if arguments[0] == "lock":
                project = read_toml(Path(folder) / "pyproject.toml")
                projects.append(project | {"options": arguments[1:]})
            else:
                Path(dict(pairwise(arguments))["-o"]).write_text(remaining.pop(0))
            return ""

        monkeypatch.setattr(project_locks, "run_uv", run)
        return projects

    return prepare


@pytest.mark.parametrize(
    ("platform", "marker"),
    [
        (LINUX_X86_64, "python_version == '3.5' and sys_platform == 'linux' and platform_machine == 'x86_64'"),
        (WINDOWS_X86_64, "python_version == '3.5' and sys_platform == 'win32' and platform_machine == 'AMD64'"),
    ],
)
def test_a_trial_is_locked_as_a_project_of_its_python_and_platform(
    platform: Platform, marker: str, answer: Callable[..., list[dict[str, Any]]]
) -> None:
    projects = answer(package("six", "1.17.0", "py2.py3-none-any") + package("termcolor", "1.1.0"))

    document = project_locks.lock_project(trial(platform), ["pip"], ["--no-build"], bounds_of=lambda _: [""])

    assert [item["name"] for item in document["packages"]] == ["six", "termcolor"]
    assert projects == [
        {
            "project": {
                "name": "trial",
                "version": "0",
                "requires-python": ">=3.5.99",
                "dependencies": ["tensorflow==1.14.0", "pip"],
            },
            "tool": {"uv": {"constraint-dependencies": ["h5py<3"], "environments": [marker]}},
            "options": ("--quiet", "--no-build"),
        }
    ]


def test_releases_for_newer_pythons_alone_are_ruled_out_one_after_the_other(
    answer: Callable[..., list[dict[str, Any]]],
) -> None:
    projects = answer(
        package("grpcio", "1.85.1", "cp310-cp310-manylinux2014_x86_64"),
        package("grpcio", "1.41.1", "cp36-cp36m-manylinux2014_x86_64"),
        package("grpcio", "1.41.0", "cp35-cp35m-manylinux2014_x86_64"),
    )

    document = project_locks.lock_project(trial(), [], [], bounds_of=lambda _: [])

    assert [item["version"] for item in document["packages"]] == ["1.41.0"]
    assert [project["tool"]["uv"]["constraint-dependencies"] for project in projects] == [
        ["h5py<3"],
        ["h5py<3", "grpcio!=1.85.1"],
        ["h5py<3", "grpcio!=1.85.1", "grpcio!=1.41.1"],
    ]


def test_a_release_that_leaves_the_python_out_is_ruled_out(answer: Callable[..., list[dict[str, Any]]]) -> None:
    projects = answer(*(package("google-auth", version, "py2.py3-none-any") for version in ("1.35.0", "1.34.0")))
    declared = {"1.35.0": [">=2.7,!=3.4.*,!=3.5.*", ">=2.7"], "1.34.0": [">=2.7,!=3.4.*"]}

    project_locks.lock_project(trial(), [], [], bounds_of=lambda item: declared[item["version"]])

    assert projects[-1]["tool"]["uv"]["constraint-dependencies"] == ["h5py<3", "google-auth!=1.35.0"]
