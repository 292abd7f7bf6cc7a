"""The table of releases of a distribution that no harvest has, from what pip lists and uv locks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import listed_releases
import pytest
from closures import Trial
from packaging.version import Version

from envlock.target import LINUX_X86_64, MACOS_ARM64, Platform, Target

FOREST_ON_LINUX = Target(python="3.11", platform=LINUX_X86_64)


def pip_that(monkeypatch: pytest.MonkeyPatch, *, stdout: str = "", stderr: str = "", code: int = 0) -> list[list[str]]:
    """A pip that prints that, and a list of how it is called."""
    calls: list[list[str]] = []

    def run(command: list[str], **options: Any) -> CompletedProcess[str]:
        calls.append(command)
        return CompletedProcess(command, code, stdout, stderr)

    monkeypatch.setattr(listed_releases.subprocess, "run", run)
    return calls


def test_pip_lists_the_releases_for_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = pip_that(monkeypatch, stdout="forest (1.1)\nAvailable versions: 1.1, 1.0\n  INSTALLED: 1.0\n")
    assert listed_releases.list_versions("forest", FOREST_ON_LINUX) == [Version("1.1"), Version("1.0")]
    (command,) = calls
    assert command[command.index("--python-version") + 1] == "3.11"
    assert {"manylinux_2_17_x86_64", "manylinux1_x86_64", "any"} <= {*command}


def test_a_target_without_a_release_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    pip_that(monkeypatch, stderr="ERROR: No matching distribution found for forest\n", code=1)
    assert listed_releases.list_versions("forest", FOREST_ON_LINUX) == []


def test_any_other_failure_of_pip_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pip_that(monkeypatch, stderr="ERROR: Could not reach the index\n", code=1)
    with pytest.raises(
        SystemExit, match=r"^forest for Python 3\.11 on Linux x86_64: pip failed: ERROR: Could not reach"
    ):
        listed_releases.list_versions("forest", FOREST_ON_LINUX)


WHEELS: dict[tuple[str, Platform], list[str]] = {
    ("3.10", LINUX_X86_64): ["1.0", "0.9"],
    ("3.11", LINUX_X86_64): ["1.1", "1.0", "0.9"],
    ("3.11", MACOS_ARM64): ["1.1"],
}


def package(version: str, *files: str, requires: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": "forest",
        "version": version,
        "files": [{"name": name, "uploaded": "2024-05-08T13:51:27Z", "sha256": "0" * 64} for name in files],
        "metadata": [{"tags": "", "requires": list(requires), "requires_python": ">=3.9", "extras": []}],
    }


LOCKED = {
    ("1.1", "3.11"): package("1.1", "forest-1.1-cp311-cp311-manylinux2014_x86_64.whl", requires=("numpy",)),
    ("1.0", "3.10"): package("1.0", "forest-1.0-py3-none-any.whl", "forest-1.0.tar.gz", requires=("numpy", "six")),
}


def test_the_table_holds_what_pip_lists_and_uv_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def list_versions(name: str, target: Target) -> list[Version]:
        return [Version(version) for version in WHEELS.get((target.python, target.platform), ())]

    def lock(trial: Trial, cache: Path) -> dict[str, Any]:
        found = LOCKED.get((str(trial.version), trial.target.python))
        return {"packages": [package("9", requires=()) | {"name": "numpy"}, found]} if found else {"error": "none"}

    monkeypatch.setattr(listed_releases, "list_versions", list_versions)

    def compile_lock(trial: Trial, options: Sequence[str]) -> dict[str, Any]:
        assert options == ["--no-deps"]
        wheel = "https://files.index.test/forest-0.9-cp311-cp311-manylinux2014_x86_64.whl"
        uploaded = datetime(2024, 5, 8, 13, 51, tzinfo=timezone.utc)
        return {
            "packages": [
                {
                    "name": "forest",
                    "version": "0.9",
                    "wheels": [{"url": wheel, "upload-time": uploaded, "hashes": {"sha256": "0" * 64}}],
                }
            ]
        }

    monkeypatch.setattr(listed_releases, "lock", lock)
    monkeypatch.setattr(listed_releases, "compile_lock", compile_lock)
    monkeypatch.setattr(listed_releases.sys, "argv", ["listed_releases.py", "Forest", "--data", str(tmp_path)])
    (tmp_path / "snapshot_roots.toml").write_text('[scope]\npythons = ["3.10", "3.11"]\n', encoding="utf-8")
    listed_releases.main()
    assert json.loads((tmp_path / "releases" / "forest.json").read_bytes()) == {
        "generator": "data/refresh/listed_releases.py",
        "source": "package-index",
        "rows": 3,
        "distribution": "forest",
        "requirement_sets": [["numpy", "six"], ["numpy"]],
        "releases": {
            "0.9": {"uploaded": "2024-05-08", "wheels": {"linux_x86_64": ["cp310", "cp311"]}},
            "1.0": {
                "uploaded": "2024-05-08",
                "requires_python": ">=3.9",
                "sdist": True,
                "wheels": {"any": ["py3"]},
                "requires": {"*": 0},
            },
            "1.1": {
                "uploaded": "2024-05-08",
                "requires_python": ">=3.9",
                "wheels": {"linux_x86_64": ["cp311"], "macos_arm64": ["cp311"]},
                "requires": {"*": 1},
            },
        },
    }
    assert "uv finds no solution: what it requires is left out" in capsys.readouterr().err
