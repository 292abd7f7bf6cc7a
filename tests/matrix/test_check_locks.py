"""The parts of ``check_locks.py`` that need no network: what a sample is made of, and what differs from the index."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

sys.path.insert(0, str(Path(__file__).parent))

from check_locks import Locked, compare, spread

from envlock.resolution.interface import Pin, PinnedFile
from envlock.target import LINUX_X86_64, WINDOWS_X86_64, Platform, Target

PYTHON_3_8 = Target(python="3.8", platform=LINUX_X86_64)
LINUX = "h5py-3.1.0-cp38-cp38-manylinux1_x86_64.whl"
OLDER = "h5py-3.1.0-cp37-cp37m-manylinux1_x86_64.whl"
WINDOWS = "h5py-3.1.0-cp38-cp38-win_amd64.whl"
SDIST = "h5py-3.1.0.tar.gz"


def locked(subject: str, platform: Platform, python: str) -> Locked:
    from closures import Trial  # which check_locks makes importable

    trial = Trial(
        subject=subject,
        version=Version("2.4.4"),
        requirements=(),
        constraints=(),
        target=Target(python=python, platform=platform),
    )
    return Locked(trial=trial, lock=None)


def test_a_sample_takes_from_each_subject_and_platform_in_turn() -> None:
    many = [locked("tensorflow for cpu", LINUX_X86_64, f"3.{minor}") for minor in range(6, 12)]
    few = [locked("tensorflow for cuda", LINUX_X86_64, "3.8"), locked("tensorflow for cpu", WINDOWS_X86_64, "3.8")]

    sample = spread([*many, *few], 4)

    assert [item.group for item in sample] == [
        ("tensorflow for cpu", "linux_x86_64"),
        ("tensorflow for cpu", "win_amd64"),
        ("tensorflow for cuda", "linux_x86_64"),
        ("tensorflow for cpu", "linux_x86_64"),
    ]
    assert spread(reversed([*many, *few]), 4) == sample


def test_a_sample_is_no_larger_than_what_there_is() -> None:
    assert spread([locked("tensorflow for cpu", LINUX_X86_64, "3.8")], 4) == [
        locked("tensorflow for cpu", LINUX_X86_64, "3.8")
    ]


def pin(*names: str, is_source: bool = False) -> Pin:
    """A pin whose files have their names as hashes."""
    files = tuple(PinnedFile(name=name, sha256=name) for name in names)
    return Pin(name="h5py", version=Version("3.1.0"), files=files, via=(), is_source=is_source)


AGREEING: dict[str, Any] = {"missing": [], "surplus": [], "unlisted": [], "elsewhere": 3}


@pytest.mark.parametrize(
    ("pinned", "listed", "differs"),
    [
        pytest.param(pin(LINUX), [LINUX, OLDER, WINDOWS, SDIST], {}, id="the wheels of the target"),
        pytest.param(pin(SDIST, is_source=True), [OLDER, WINDOWS, LINUX, SDIST], {}, id="a source alone"),
        pytest.param(pin(), [LINUX, OLDER, WINDOWS, SDIST], {"missing": [LINUX]}, id="one is missing"),
        pytest.param(pin(LINUX, OLDER), [LINUX, OLDER, WINDOWS, SDIST], {"surplus": [OLDER]}, id="one for another Python"),
        pytest.param(pin(LINUX), [OLDER, WINDOWS, SDIST], {"surplus": [LINUX]}, id="one that the index does not have"),
    ],
)  # fmt: skip
def test_hashes_are_those_of_the_files_that_the_target_can_install(
    pinned: Pin, listed: list[str], differs: dict[str, Any]
) -> None:
    assert compare([pinned], {"h5py": {name: name for name in listed}}, PYTHON_3_8) == AGREEING | differs


def test_a_distribution_that_the_index_does_not_list_is_named() -> None:
    assert compare([pin(LINUX)], {}, PYTHON_3_8) == AGREEING | {"unlisted": ["h5py==3.1.0"], "elsewhere": 0}
