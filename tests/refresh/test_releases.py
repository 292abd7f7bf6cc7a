"""The table of releases, from the files that the snapshot holds of a distribution."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from packaging.version import Version
from snapshot_tables import ListedFile, Metadata, write_snapshot

from tests.refresh.tiny_index import run_script

SIX, NUMPY = (Metadata(requires=(name,), extras=()) for name in ("six", "numpy"))


def file(name: str, declares: Metadata | None = NUMPY, *, python: str = "", yanked: str | None = None) -> ListedFile:
    return ListedFile(
        name=name,
        uploaded="2020-02-01T10:00:00Z",
        sha256="0" * 64,
        size=1,
        requires_python=python,
        declares=declares,
        yanked=yanked,
    )


RELEASES = {
    Version("1.0"): [file("kit-1.0.tar.gz", None)],
    Version("1.1"): [
        file("kit-1.1-cp310-cp310-manylinux2010_x86_64.whl", python=">=3.7"),
        file("kit-1.1-cp37-cp37m-manylinux1_x86_64.manylinux2010_x86_64.whl", python=">=3.7"),
        file("kit-1.1-cp37-cp37m-macosx_10_9_intel.whl", python=">=3.7"),
    ],
    Version("1.2"): [
        file("kit-1.2-cp27-cp27mu-manylinux1_x86_64.whl", SIX, python=">=2.7", yanked="broken"),
        file("kit-1.2-cp36-cp36m-manylinux1_x86_64.whl", SIX, python=">=3.6", yanked="broken"),
        file("kit-1.2-cp37-cp37m-manylinux1_x86_64.whl", NUMPY, python=">=3.6", yanked="broken"),
        file("kit-1.2.tar.gz", python=">=3.6", yanked="broken"),
    ],
    Version("1.3"): [file("kit-1.3-py2.py3-none-any.whl"), file("kit-1.3.zip")],
    Version("1.4"): [
        file("kit-1.4-cp39-cp39-macosx_11_0_universal2.whl"),
        file("kit-1.4-cp39-cp39-manylinux1_i686.whl", SIX),
        file("kit-1.4-cp39-cp39-musllinux_1_1_x86_64.whl", SIX),
        file("kit-1.4-cp39-cp39-win32.whl", SIX),
    ],
    Version("1.5rc1"): [file("kit-1.5rc1-py3-none-any.whl")],
}

TABLE = {
    "generator": "data/refresh/releases.py",
    "source": "package-index",
    "rows": 5,
    "distribution": "kit",
    "requirement_sets": [["numpy"], ["six"]],
    "releases": {
        "1.0": {"uploaded": "2020-02-01", "sdist": True},
        "1.1": {
            "uploaded": "2020-02-01",
            "requires_python": ">=3.7",
            "wheels": {"linux_x86_64": ["cp37", "cp310"], "macos_x86_64": ["cp37"]},
            "requires": {"*": 0},
        },
        "1.2": {
            "uploaded": "2020-02-01",
            "requires_python": [">=2.7", ">=3.6"],
            "yanked": True,
            "sdist": True,
            "wheels": {"linux_x86_64": ["cp27", "cp36", "cp37"]},
            "requires": {"linux_x86_64": 0, "linux_x86_64_py2": 1},
        },
        "1.3": {"uploaded": "2020-02-01", "sdist": True, "wheels": {"any": ["py2.py3"]}, "requires": {"*": 0}},
        "1.4": {
            "uploaded": "2020-02-01",
            "wheels": {"macos_arm64": ["cp39"], "macos_x86_64": ["cp39"]},
            "requires": {"*": 0},
        },
    },
}


@pytest.mark.parametrize("given", [["kit"], []], ids=["asked for", "there already"])
def test_the_files_of_a_harvested_distribution_become_its_table(tmp_path: Path, given: list[str]) -> None:
    write_snapshot(tmp_path / "snapshot", "kit", RELEASES, generator="test", is_complete=True, allow_fewer=False)
    table = tmp_path / "releases" / "kit.json"
    run_script("releases.py", "kit", "--data", tmp_path)

    again = run_script("releases.py", *given, "--data", tmp_path)

    assert json.loads(table.read_bytes()) == TABLE
    assert again == ""


def test_a_snapshot_of_what_locks_need_changes_no_table(tmp_path: Path) -> None:
    write_snapshot(tmp_path / "snapshot", "kit", RELEASES, generator="test", is_complete=False, allow_fewer=False)

    said = run_script("releases.py", "kit", "--data", tmp_path)

    assert said == "kit: left as it is: snapshot.py has not harvested it\n"
    assert not (tmp_path / "releases").exists()
