"""Against an independent engine: the same small universe as wheels in a folder, resolved by uv."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from envlock.errors import ResolutionError
from envlock.resolution.offline import OfflineResolver
from envlock.target import LINUX_X86_64, MACOS_ARM64, WINDOWS_X86_64, Target
from envlock.uv_process import UvError, run_uv
from tests.resolution.snapshots import write_snapshot

NAMES = ("a", "b", "c", "d")
VERSIONS = ("1", "1.5", "2")
MARKERS = (
    "",
    "; python_version < '3.9'",
    "; sys_platform == 'linux'",
    "; platform_machine == 'arm64'",
    "; extra == 'full'",
    "; python_full_version >= '3.10' and extra == 'full'",
)
FILES = (
    "-py3-none-any.whl",
    "-cp38-cp38-manylinux2014_x86_64.whl",
    "-cp39-abi3-manylinux_2_28_x86_64.whl",
    "-cp310-cp310-macosx_12_0_arm64.whl",
    "-cp38-cp38-win_amd64.whl",
)

requirement_texts = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(NAMES),
    st.sampled_from(("", "[full]")),
    st.sampled_from(("==", "!=", ">=", "<", "~=")),
    st.sampled_from(("1.0", "1.5", "2.0")),
    st.sampled_from(MARKERS),
)
releases = st.fixed_dictionaries(
    {"files": st.dictionaries(st.sampled_from(FILES), st.just({}), min_size=1, max_size=3), "requires": st.lists(requirement_texts, max_size=3)},
    # uv reads no more than the lower bound of Requires-Python.
    optional={"python": st.just(">=3.9")},
)  # fmt: skip
packages = st.dictionaries(st.sampled_from(VERSIONS), releases, min_size=1).map(
    lambda found: {version: found[version] for version in sorted(found)}
)
universes = st.dictionaries(st.sampled_from(NAMES), packages, min_size=2)
targets = st.builds(
    lambda python, platform: Target(python=python, platform=platform),
    st.sampled_from(("3.8", "3.9", "3.10")),
    st.sampled_from((LINUX_X86_64, MACOS_ARM64, WINDOWS_X86_64)),
)


def _write_wheels(folder: Path, universe: Mapping[str, Mapping[str, Any]]) -> None:
    for name, of_name in universe.items():
        for version, release in of_name.items():
            for suffix in release["files"]:
                metadata = [
                    "Metadata-Version: 2.1",
                    f"Name: {name}",
                    f"Version: {version}",
                    "Provides-Extra: full",
                    *(f"Requires-Python: {python}" for python in [release.get("python")] if python),
                    *(f"Requires-Dist: {text}" for text in release["requires"]),
                ]
                with ZipFile(folder / f"{name}-{version}{suffix}", "w") as wheel:
                    wheel.writestr(f"{name}-{version}.dist-info/METADATA", "\n".join(metadata) + "\n\n")
                    wheel.writestr(f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\n")
                    wheel.writestr(f"{name}-{version}.dist-info/RECORD", "")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of uv, so that it looks at the interpreter once."""
    return tmp_path_factory.mktemp("uv-cache")


def _uv_finds_a_solution(folder: Path, asked: list[str], target: Target, cache: Path) -> bool:
    arguments = [
        *("pip", "compile", "-", "--quiet", "--no-header", "--offline", "--only-binary", ":all:"),
        *("--cache-dir", str(cache), "--python", sys.executable),
        *("--no-index", "--find-links", str(folder), "--python-version", f"{target.python}.99"),
        *("--python-platform", target.platform.uv_platform),
    ]
    try:
        run_uv(arguments, action="resolving", place="a folder", text="\n".join(asked), folder=str(folder))
    except UvError:
        return False
    return True


@given(universe=universes, asked=st.lists(requirement_texts, min_size=1, max_size=3), target=targets)
@settings(max_examples=40)
def test_a_solution_is_found_if_and_only_if_uv_finds_one(
    universe: dict[str, Any], asked: list[str], target: Target, cache: Path
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        _write_wheels(folder, universe)
        resolver = OfflineResolver(write_snapshot(folder / "snapshot", universe))
        assert _finds_a_solution(resolver, asked, target) == _uv_finds_a_solution(folder, asked, target, cache)


def _finds_a_solution(resolver: OfflineResolver, asked: list[str], target: Target) -> bool:
    try:
        resolver.resolve([Requirement(text) for text in asked], constraints=[], target=target, interpreter=None)
    except ResolutionError:
        return False
    return True
