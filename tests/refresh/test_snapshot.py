"""The harvest of a tiny index, run as a person runs it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from tests.index_server import Server, make_wheel, serve_index

SCRIPT = Path(__file__).parents[2] / "data" / "refresh" / "snapshot.py"

ROOTS = """
[scope]
pythons = ["2.7", "3.9"]
pre_releases = ["keras"]

[[root]]
names = ["tensorflow"]
expanded = true
extras = ["and-cuda"]

[[root]]
names = ["tf-agents"]
expanded = false
"""

FILES = {
    "tensorflow": {
        "tensorflow-2.9.0-cp39-cp39-manylinux2014_x86_64.whl": ["numpy", "cuda ; extra == 'and-cuda'"],
        "tensorflow-2.9.0-cp310-cp310-manylinux2014_x86_64.whl": ["numpy", "cuda ; extra == 'and-cuda'"],
        "tensorflow-2.9.0-cp39-cp39-win_amd64.whl": ["intel ; platform_system == 'Windows'"],
        "tensorflow-2.10.0-cp39-cp39-manylinux2014_x86_64.whl": ["numpy", "new ; python_version >= '3.14'"],
        "tensorflow-2.11.0rc1-cp39-cp39-manylinux2014_x86_64.whl": ["early"],
        "tensorflow-2.12.0.dev1-cp39-cp39-manylinux2014_x86_64.whl": ["nightly"],
    },
    "tf-agents": {"tf_agents-0.1-py3-none-any.whl": ["jupyter"]},
    "numpy": {"numpy-1.22-cp39-cp39-macosx_10_9_x86_64.whl": ["cython ; extra == 'build'"]},
    "cuda": {"cuda-11.0-py3-none-any.whl": ["gone>=1"]},
    "intel": {"intel-2.9.0b1-cp39-cp39-win_amd64.whl": ["not a requirement"]},
}


@pytest.fixture
def server() -> Iterator[Server]:
    with serve_index() as server:
        for distribution, files in FILES.items():
            list_files(server, distribution, files)
        yield server


def list_files(server: Server, distribution: str, files: dict[str, list[str]]) -> None:
    """Serve a wheel for each of *files*, file name to requirements, and the page that lists them."""
    rows = []
    for name, requires in files.items():
        content = make_wheel(metadata_of(name, requires), folder=f"{'-'.join(name.split('-')[:2])}.dist-info")
        rows.append(
            {
                "filename": name,
                "url": server.add_file(name, content),
                "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
                "upload-time": "2022-05-16T10:00:00.5Z",
                "size": len(content),
                "requires-python": ">=3.7",
                "yanked": "broken" if "2.10.0" in name else False,
            }
        )
    page = json.dumps({"files": rows}).encode()
    server.pages[f"/simple/{distribution}/"] = ("application/vnd.pypi.simple.v1+json", page)


def metadata_of(name: str, requires: list[str]) -> str:
    distribution, version = name.split("-")[:2]
    stated = "".join(f"Requires-Dist: {line}\n" for line in requires)
    return f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n{stated}Provides-Extra: and-cuda\n"


def harvest(server: Server, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "snapshot_roots.toml").write_text(ROOTS)
    places = [str(folder / "fetched"), "--data", str(folder)]
    return subprocess.run(
        [sys.executable, str(SCRIPT), *places, *options],
        env=os.environ | {"UV_DEFAULT_INDEX": server.url, "PYTHONPATH": str(SCRIPT.parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "snapshot").iterdir())}


def test_the_snapshot_holds_what_the_roots_may_require(server: Server, tmp_path: Path) -> None:
    done = harvest(server, tmp_path)

    assert done.returncode == 0, done.stderr
    assert list(written(tmp_path)) == [
        "cuda.jsonl",
        "intel.jsonl",
        "numpy.jsonl",
        "tensorflow.jsonl",
        "tf-agents.jsonl",
    ]


def test_a_release_is_a_row_and_its_requirements_stand_in_the_header(server: Server, tmp_path: Path) -> None:
    harvest(server, tmp_path, "--only", "tensorflow")

    header, *rows = map(json.loads, written(tmp_path)["tensorflow.jsonl"].splitlines())

    assert header == {
        "generator": "data/refresh/snapshot.py",
        "source": "package-index",
        "distribution": "tensorflow",
        "harvested": datetime.now(timezone.utc).date().isoformat(),
        "is_complete": True,
        "rows": 2,
        "columns": ["name", "uploaded", "sha256", "size", "requires_python", "requires", "yanked"],
        "requires_python": [">=3.7"],
        "requires": [
            ["numpy", "cuda ; extra == 'and-cuda'"],
            ["intel ; platform_system == 'Windows'"],
            ["numpy", "new ; python_version >= '3.14'"],
        ],
        "extras": [["and-cuda"], ["and-cuda"], ["and-cuda"]],
    }
    assert [(row["version"], [[file[0], *file[4:7]] for file in row["files"]]) for row in rows] == [
        (
            "2.9.0",
            [
                ["tensorflow-2.9.0-cp310-cp310-manylinux2014_x86_64.whl", 0, 0, None],
                ["tensorflow-2.9.0-cp39-cp39-manylinux2014_x86_64.whl", 0, 0, None],
                ["tensorflow-2.9.0-cp39-cp39-win_amd64.whl", 0, 1, None],
            ],
        ),
        ("2.10.0", [["tensorflow-2.10.0-cp39-cp39-manylinux2014_x86_64.whl", 0, 2, "broken"]]),
    ]


def test_wheels_of_one_platform_share_the_metadata_of_one(server: Server, tmp_path: Path) -> None:
    harvest(server, tmp_path, "--only", "tensorflow")

    assert sorted(path for path, span, _ in server.asked if span) == [
        "/files/tensorflow-2.10.0-cp39-cp39-manylinux2014_x86_64.whl",
        "/files/tensorflow-2.9.0-cp39-cp39-manylinux2014_x86_64.whl",
        "/files/tensorflow-2.9.0-cp39-cp39-win_amd64.whl",
    ]


def test_a_second_run_changes_nothing_and_reads_no_wheel(server: Server, tmp_path: Path) -> None:
    harvest(server, tmp_path)
    before, asked = written(tmp_path), len(server.asked)
    done = harvest(server, tmp_path)

    assert written(tmp_path) == before
    assert [span for _, span, _ in server.asked[asked:] if span] == []
    assert "jsonl" not in done.stderr


def test_what_is_odd_is_said(server: Server, tmp_path: Path) -> None:
    done = harvest(server, tmp_path)

    assert f"{server.url}gone/: not in the package index\n" in done.stderr
    assert "intel: not a requirement: not a requirement\n" in done.stderr
    assert "tensorflow.jsonl: 2 added (2.9.0, 2.10.0)\n" in done.stderr
    assert "5 distributions, 6 releases; " in done.stderr


def test_a_distribution_that_lost_releases_is_refused(server: Server, tmp_path: Path) -> None:
    harvest(server, tmp_path, "--only", "tensorflow")
    before = written(tmp_path)
    list_files(server, "tensorflow", {"tensorflow-2.9.0-cp39-cp39-win_amd64.whl": []})
    done = harvest(server, tmp_path, "--only", "tensorflow")

    table = tmp_path / "snapshot" / "tensorflow.jsonl"
    assert done.stderr == f"{table}: refused to replace 2 rows by 1; --allow-fewer insists\n"
    assert done.returncode == 1
    assert written(tmp_path) == before


def test_a_loss_that_is_meant_is_written(server: Server, tmp_path: Path) -> None:
    harvest(server, tmp_path, "--only", "tensorflow")
    list_files(server, "tensorflow", {"tensorflow-2.9.0-cp39-cp39-win_amd64.whl": []})
    done = harvest(server, tmp_path, "--only", "tensorflow", "--allow-fewer")

    assert done.stderr.startswith("tensorflow.jsonl: 1 changed (2.9.0); 1 removed (2.10.0)\n")
