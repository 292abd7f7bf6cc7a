"""The table of releases of a distribution that no harvest has, from what pip lists and uv tells of each release."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import listed_releases
import pytest
from packaging.version import Version

from tests.index_server import serve_index
from tests.refresh.tiny_index import publish, run_script

INDEX = "https://index.test/simple"


def pip_that(monkeypatch: pytest.MonkeyPatch, *, stdout: str = "", stderr: str = "", code: int = 0) -> list[list[str]]:
    """A pip that prints that, and a list of how it is called."""
    calls: list[list[str]] = []

    def run(command: list[str], **options: Any) -> CompletedProcess[str]:
        calls.append(command)
        return CompletedProcess(command, code, stdout, stderr)

    monkeypatch.setattr(listed_releases.subprocess, "run", run)
    return calls


def test_pip_lists_the_releases_for_a_python_on_any_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = pip_that(monkeypatch, stdout="forest (1.1)\nAvailable versions: 1.1, 1.0\n  INSTALLED: 1.0\n")
    assert listed_releases.list_versions("forest", "3.11", INDEX) == [Version("1.1"), Version("1.0")]
    (command,) = calls
    assert command[command.index("--python-version") + 1] == "3.11"
    assert command[command.index("--index-url") + 1] == INDEX
    assert {"manylinux_2_17_x86_64", "manylinux2014_aarch64", "macosx_12_0_arm64", "win_amd64", "any"} <= {*command}


def test_a_python_without_a_release_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    pip_that(monkeypatch, stderr="ERROR: No matching distribution found for forest\n", code=1)
    assert listed_releases.list_versions("forest", "3.11", INDEX) == []


def test_any_other_failure_of_pip_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pip_that(monkeypatch, stderr="ERROR: Could not reach the index\n", code=1)
    with pytest.raises(SystemExit, match=r"^forest for Python 3\.11: pip failed: ERROR: Could not reach"):
        listed_releases.list_versions("forest", "3.11", INDEX)


def test_a_name_without_a_release_makes_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    pip_that(monkeypatch, stderr="ERROR: No matching distribution found for forest\n", code=1)
    monkeypatch.setattr(listed_releases, "index_address", lambda: INDEX)
    with pytest.raises(SystemExit, match=r"^forest: pip lists no release$"):
        listed_releases.read_releases("forest", ["2.7", "3.11"])


def wheel(version: str, *requires: str, python: str = ">=3.8") -> Mapping[str, str]:
    head = f"Metadata-Version: 2.1\nName: forest\nVersion: {version}\nRequires-Python: {python}\n"
    declared = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    folder = f"forest-{version}.dist-info"
    return {
        f"{folder}/METADATA": head + declared,
        f"{folder}/WHEEL": "Wheel-Version: 1.0\n",
        f"{folder}/RECORD": "",
    }


# What they require is on no index: only what they declare counts.
FILES = {
    "forest-0.9.tar.gz": {"setup.py": "raise SystemExit('built')"},
    "forest-1.0-py3-none-any.whl": wheel("1.0", "trees", "six ; extra == 'old'", python=">=3.6"),
    "forest-1.0.tar.gz": {"setup.py": "raise SystemExit('built')"},
    "forest-1.1-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": wheel("1.1", "trees"),
    "forest-1.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": wheel("1.1", "trees~=2.1"),
    "forest-1.1-cp310-cp310-macosx_12_0_arm64.whl": wheel("1.1", "trees-macos~=2.1"),
    "forest-1.1-cp310-cp310-macosx_10_15_x86_64.whl": wheel("1.1", "trees~=2.1"),
    "forest-1.1-cp38-cp38-win_amd64.whl": wheel("1.1", "trees~=2.1"),
    "forest-1.2rc1-py3-none-any.whl": wheel("1.2rc1"),
}
UPLOADED = {
    "forest-1.0.tar.gz": "2020-12-31T23:00:00Z",
    "forest-1.1-cp38-cp38-win_amd64.whl": "2021-03-24T10:00:00Z",
    "forest-1.1-cp310-cp310-macosx_12_0_arm64.whl": "2021-04-27T10:00:00Z",
    "forest-1.1-cp310-cp310-macosx_10_15_x86_64.whl": "2021-04-27T10:00:00Z",
    "forest-1.1-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": "2021-04-01T10:00:00Z",
    "forest-1.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": "2021-06-08T10:00:00Z",
}

TABLE = {
    "generator": "data/refresh/listed_releases.py",
    "source": "package-index",
    "rows": 3,
    "distribution": "forest",
    "requirement_sets": [["trees", "six ; extra == 'old'"], ["trees~=2.1"], ["trees-macos~=2.1"]],
    "releases": {
        "0.9": {"uploaded": "2021-01-06", "sdist": True},
        "1.0": {
            "uploaded": "2020-12-31",
            "requires_python": ">=3.6",
            "sdist": True,
            "wheels": {"any": ["py3"]},
            "requires": {"*": 0},
        },
        "1.1": {
            "uploaded": "2021-03-24",
            "requires_python": ">=3.8",
            "wheels": {
                "linux_x86_64": ["cp310", "cp311"],
                "macos_arm64": ["cp310"],
                "macos_x86_64": ["cp310"],
                "win_amd64": ["cp38"],
            },
            "requires": {"linux_x86_64": 1, "macos_arm64": 2, "macos_x86_64": 1, "win_amd64": 1},
        },
    },
}


def test_each_file_on_the_index_speaks_for_itself_and_a_second_run_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PIP_CONFIG_FILE": os.devnull, "UV_CACHE_DIR": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "snapshot_roots.toml").write_text('[scope]\npythons = ["3.10", "2.7", "3.6", "3.8"]\n')
    table = tmp_path / "releases" / "forest.json"

    with serve_index() as server:
        publish(server, "forest", FILES, UPLOADED)
        said = run_script("listed_releases.py", "Forest", "--data", tmp_path, index=server.url)
        written = table.read_bytes()
        again = run_script("listed_releases.py", "Forest", "--data", tmp_path, index=server.url)

    assert json.loads(written) == TABLE
    assert (table.read_bytes(), again) == (written, "")
    assert said == "forest.json: 3 added (releases/0.9, releases/1.0, releases/1.1)\n"
