"""Locks of a Python that uv does not serve: what its pip brings, and what that declares."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pip_locks
import pytest
from closures import Trial
from packaging.requirements import Requirement
from packaging.version import Version

from envlock.target import LINUX_X86_64, MACOS_ARM64, Target, platform_here
from envlock.uv_process import UvError
from tests.building import write_source, write_wheel

# In place of a pip of that Python: notes what it is asked, and brings what lies ready for its first, second, … run.
PIP = """\
import pathlib, shutil, sys
options = dict(zip(sys.argv, sys.argv[1:]))
ready = pathlib.Path({ready!r})
asked = [pathlib.Path(options[name]).read_text() for name in ("--requirement", "--constraint")]
number = len(list(ready.glob("asked-*")))
(ready / f"asked-{{number}}").write_text("with ".join(asked))
shutil.copyfile(ready / "log", options["--log"])
refusal = ready / f"refusal-{{number}}"
if refusal.exists():
    sys.exit(refusal.read_text())
shutil.copytree(ready / f"files-{{number}}", options["--dest"])
"""

TRIAL = Trial(
    subject="tensorflow",
    version=Version("1.10.1"),
    requirements=(Requirement("tensorflow==1.10.1"),),
    constraints=(Requirement("h5py<3"),),
    target=Target(python="2.7", platform=LINUX_X86_64),
)

WHEEL = "tiny-1.0-py2.py3-none-any.whl"
SHA_256 = {digit: digit * 64 for digit in "abcdef"}


def link(name: str, digit: str, *, reason: str = "") -> str:
    """A line of a log of pip 20, which names also what it passes over."""
    told = f"Skipping link: {reason}:" if reason else "Found link"
    return f"2026-11-21T17:41:47,113   {told} https://files.index.test/aa/{name}#sha256={SHA_256[digit]} (from page)\n"


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the pip of the old Python brings: ``files-0``, … and ``log``, or the ``refusal-0``, … of a run."""
    if platform_here() != LINUX_X86_64:
        pytest.skip("pip resolves for the machine that it runs on")
    folder = tmp_path / "ready"
    for number in range(2):
        (folder / f"files-{number}").mkdir(parents=True)
    (folder / "log").touch()
    (folder / "pip.py").write_text(PIP.format(ready=str(folder)))

    def make_environment(place: Path, python: str) -> None:
        assert python == "2.7"
        (place / "bin").mkdir(parents=True)
        program = place / "bin" / "python"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder / "pip.py"}" "$@"\n')
        program.chmod(0o755)

    monkeypatch.setattr(pip_locks, "_make_environment", make_environment)
    return folder


def file(name: str, digit: str) -> dict[str, Any]:
    return {"name": name, "sha256": SHA_256[digit], "uploaded": None}


def test_a_trial_is_what_pip_brings_with_every_file_for_that_python_that_its_log_names(ready: Path) -> None:
    wheel = write_wheel(ready / "files-0", "tiny", "1.0", requires=["numpy <2"])
    wheel.rename(wheel.with_name(WHEEL))
    write_source(ready / "files-0", "old", "0.1")
    other_python = link("tiny-1.0-cp36-cp36m-win_amd64.whl", "c", reason="none of the wheel's tags match: cp36")
    (ready / "log").write_text(
        link(WHEEL, "a")
        + link("tiny-1.0-cp27-cp27m-win_amd64.whl", "b", reason="none of the wheel's tags match: cp27-cp27m-win_amd64")
        + other_python
        + link("tiny-0.9.tar.gz", "d")
        + link("tiny-1.0.win32-py2.7.exe", "d", reason="unsupported archive format: .exe")
        + link("old-0.1.tar.bz2", "e")
        + "2026-11-21T17:41:46,883   Downloading old-0.1.tar.bz2 (3.9 kB)\n"
    )

    rows = pip_locks.lock_with_pip(TRIAL, ["pip"])

    assert rows == [
        {
            "name": "old",
            "version": "0.1",
            "metadata": [{"tags": "source", "requires": [], "requires_python": "", "extras": []}],
            "files": [file("old-0.1.tar.bz2", "e")],
        },
        {
            "name": "tiny",
            "version": "1.0",
            "metadata": [{"tags": "py2.py3-none-any", "requires": ["numpy<2"], "requires_python": "", "extras": []}],
            "files": [file("tiny-1.0-cp27-cp27m-win_amd64.whl", "b"), file(WHEEL, "a")],
        },
    ]
    assert (ready / "asked-0").read_text() == "tensorflow==1.10.1\npip\nwith h5py<3\n"


def test_what_pip_has_gone_against_is_handed_to_it_as_a_constraint(ready: Path) -> None:
    for number, version in enumerate(["1.16.6", "1.14.5"]):
        write_wheel(ready / f"files-{number}", "numpy", version)
        bounds = ["numpy<=1.14.5,>=1.13.3", "numpy<1.1; python_version > '3'", "absent>=1"]
        write_wheel(ready / f"files-{number}", "tensorflow", "1.10.1", requires=bounds)

    rows = pip_locks.lock_with_pip(TRIAL, ["pip"])

    assert [(row["name"], row["version"]) for row in rows] == [("numpy", "1.14.5"), ("tensorflow", "1.10.1")]
    assert [path.read_text().partition("with ")[2] for path in sorted(ready.glob("asked-*"))] == [
        "h5py<3\n",
        "h5py<3\nnumpy<=1.14.5,>=1.13.3\n",
    ]


def test_what_pip_complains_of_is_told(ready: Path) -> None:
    (ready / "refusal-0").write_text("WARNING: old\nERROR: No matching distribution\nERROR: found for h5py\n")

    with pytest.raises(UvError) as caught:
        pip_locks.lock_with_pip(TRIAL, ["pip"])

    assert str(caught.value) == "locking: ERROR: No matching distribution ERROR: found for h5py"


def test_a_release_that_turns_out_to_be_for_other_pythons_is_ruled_out(ready: Path) -> None:
    (ready / "refusal-0").write_text("ERROR: Package 'Old_Tool' requires a different Python: 2.7.18 not in '>=3.4'\n")
    (ready / "log").write_text(link("old-tool-2.0-1.zip", "a") + link("old_tool-1.3.tar.gz", "b") + link(WHEEL, "c"))

    pip_locks.lock_with_pip(TRIAL, [])

    assert [path.read_text().partition("with ")[2] for path in sorted(ready.glob("asked-*"))] == [
        "h5py<3\n",
        "h5py<3\nold-tool!=1.3\n",
    ]


def test_another_platform_cannot_be_locked_for() -> None:
    elsewhere = Trial(
        subject=TRIAL.subject,
        version=TRIAL.version,
        requirements=TRIAL.requirements,
        constraints=(),
        target=Target(python="2.7", platform=MACOS_ARM64),
    )

    with pytest.raises(UvError) as caught:
        pip_locks.lock_with_pip(elsewhere, ["pip"])

    assert str(caught.value) == (
        "locking: pip resolves for the machine that it runs on, and lists files for all of them"
    )


@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        pytest.param("six\nnumpy>=1.0\n", ["six", "numpy>=1.0"], id="for everybody"),
        pytest.param("[:python_version<'3']\nmock\n", ["mock ; (python_version<'3')"], id="a marker"),
        pytest.param("[tests]\npytest\n", ['pytest ; extra == "tests"'], id="an extra"),
        pytest.param(
            "six\n\n[tests:python_version<'3' or os_name=='nt']\npytest\nmock\n",
            [
                "six",
                "pytest ; (python_version<'3' or os_name=='nt') and extra == \"tests\"",
                "mock ; (python_version<'3' or os_name=='nt') and extra == \"tests\"",
            ],
            id="both",
        ),
    ],
)
def test_the_sections_of_setuptools_become_markers(text: str, requirements: list[str]) -> None:
    assert list(pip_locks.read_setuptools_requires(text)) == requirements
