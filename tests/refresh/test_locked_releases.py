"""The snapshot made from locks: what is kept of a lock and of uv's cache, and the tables that it becomes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import locked_releases
import msgpack
import pytest
from closures import Journal, Trial
from packaging.requirements import Requirement
from packaging.version import Version

from envlock.knowledge.snapshot import IndexSnapshot
from envlock.target import LINUX_X86_64, Target
from envlock.uv_process import UvError

HOST = "https://files.index.test"
LINUX = "h5py-3.1.0-cp38-cp38-manylinux1_x86_64.whl"
WINDOWS = "h5py-3.1.0-cp38-cp38-win_amd64.whl"
MACOS = "h5py-3.1.0-cp38-cp38-macosx_10_9_x86_64.whl"
SDIST = "h5py-3.1.0.tar.gz"

TRIAL = Trial(
    subject="tensorflow",
    version=Version("2.4.4"),
    requirements=(Requirement("tensorflow-cpu==2.4.4"),),
    constraints=(Requirement("protobuf<3.21"),),
    target=Target(python="3.8", platform=LINUX_X86_64),
)

LOCK = f"""
[[packages]]
name = "H5py"
version = "3.1.0"
sdist = {{ url = "{HOST}/b/{SDIST}", upload-time = 2020-11-06T18:00:00.5Z, hashes = {{ sha256 = "cc" }} }}
wheels = [
  {{ url = "{HOST}/a/{LINUX}", upload-time = 2020-11-06T20:00:00+02:00, size = 7, hashes = {{ sha256 = "aa" }} }},
]
"""


def file(name: str, sha256: str) -> dict[str, Any]:
    return {
        "name": name,
        "uploaded": "2020-11-06T18:00:00Z",
        "sha256": sha256,
    }


def metadata(tags: str, *requires: str, requires_python: str = "", extras: Sequence[str] = ()) -> dict[str, Any]:
    return {"tags": tags, "requires": [*requires], "requires_python": requires_python, "extras": [*extras]}


def cache_metadata(cache: Path, place: str, *fields: Any) -> None:
    """A file as uv keeps it: the metadata, and behind it what is of no interest here."""
    path = cache / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgpack.packb(["h5py", "3.1.0", *fields]) + msgpack.packb({"etag": "1"}))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache that knows a wheel of the release, one of another release, and the sdist."""
    cache = tmp_path / "cache"
    wheels = "wheels-v5/pypi/h5py"
    cache_metadata(
        cache, f"{wheels}/3.1.0-cp38-cp38-manylinux1_x86_64.msgpack", ["numpy>=1.12"], ">=3.6", ["mpi"], False
    )
    cache_metadata(cache, f"{wheels}/3.10.0-cp38-cp38-manylinux1_x86_64.msgpack", ["numpy>=1.17"], ">=3.8", [])
    cache_metadata(cache, "sdists-v9/pypi/h5py/3.1.0/x1/metadata.msgpack", [], None, [])
    return cache


PACKAGE = {
    "name": "h5py",
    "version": "3.1.0",
    "files": [file(LINUX, "aa"), file(SDIST, "cc")],
    "metadata": [
        metadata("cp38-cp38-manylinux1_x86_64", "numpy>=1.12", requires_python=">=3.6", extras=["mpi"]),
        metadata("source"),
    ],
}


def uv_that_locks(refused: Sequence[str], asked: list[dict[str, Any]]) -> Callable[..., str]:
    """In place of uv: writes :data:`LOCK`, or refuses as long as *refused* holds a reason."""
    reasons = [*refused]

    def run(arguments: Sequence[str], *, text: str, **_: Any) -> str:
        options = dict(pairwise(arguments))
        constraints = Path(options["--constraints"]).read_text()
        asked.append({"text": text, "constraints": constraints, "wheels alone": ":all:" in arguments})
        if reasons:
            raise UvError("locking", reasons.pop(0))
        Path(options["-o"]).write_text(LOCK)
        return ""

    return run


QUESTION = {"text": "tensorflow-cpu==2.4.4\npip\n", "constraints": "protobuf<3.21\n"}
NAMED = {
    "subject": "tensorflow",
    "version": "2.4.4",
    "requested": ["tensorflow-cpu==2.4.4"],
    "python": "3.8",
    "platform": "linux_x86_64",
}


@pytest.mark.parametrize(
    ("refused", "tries", "outcome"),
    [
        pytest.param([], [True], {"packages": [PACKAGE]}, id="of wheels alone"),
        pytest.param(["no wheel"], [True, False], {"packages": [PACKAGE]}, id="with an sdist"),
        pytest.param(["no wheel", "no\n  solution"], [True, False], {"error": "no solution"}, id="not at all"),
    ],
)
def test_a_trial_is_locked(
    refused: list[str],
    tries: list[bool],
    outcome: dict[str, Any],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(locked_releases, "run_uv", uv_that_locks(refused, asked))

    assert locked_releases.lock(TRIAL, cache) == NAMED | outcome
    assert asked == [QUESTION | {"wheels alone": wheels_alone} for wheels_alone in tries]


def test_locks_become_a_table_of_each_distribution(tmp_path: Path) -> None:
    for_windows = PACKAGE | {"files": [file(WINDOWS, "bb"), file(MACOS, "dd")], "metadata": []}
    newer = PACKAGE | {"version": "3.10.0", "files": [file("h5py-3.10.0.tar.gz", "ee")], "metadata": []}
    rows = [
        NAMED | {"packages": [newer, PACKAGE]},
        NAMED | {"packages": [for_windows]},
        NAMED | {"error": "no solution"},
    ]

    locked_releases.assemble(rows, tmp_path, allow_fewer=False)

    (table,) = tmp_path.iterdir()
    header, *releases = map(json.loads, table.read_text().splitlines())
    uploaded = "2020-11-06T18:00:00Z"
    assert table.name == "h5py.jsonl"
    assert header == {
        "generator": "data/refresh/locked_releases.py",
        "source": "package-index",
        "distribution": "h5py",
        "harvested": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "is_complete": False,
        "rows": 2,
        "columns": ["name", "uploaded", "sha256", "size", "requires_python", "requires", "yanked"],
        "requires_python": ["", ">=3.6"],
        "requires": [["numpy>=1.12"], []],
        "extras": [["mpi"], []],
    }
    assert releases == [
        {
            "version": "3.1.0",
            "files": [
                # What uv has not looked into is unknown where those that it read disagree.
                [MACOS, uploaded, "dd", None, 0, None, None],
                [LINUX, uploaded, "aa", None, 1, 0, None],
                [WINDOWS, uploaded, "bb", None, 0, None, None],
                [SDIST, uploaded, "cc", None, 0, 1, None],
            ],
        },
        {
            "version": "3.10.0",
            "files": [["h5py-3.10.0.tar.gz", uploaded, "ee", None, 0, None, None]],
        },
    ]


@pytest.mark.parametrize(
    ("on_macos", "told"),
    [
        pytest.param("estimator>=1", ["estimator", "mock"], id="the same distributions: it speaks for macOS too"),
        pytest.param("cpu-estimator", None, id="other distributions on macOS: so may Python 2 there"),
    ],
)
def test_a_wheel_for_python_2_speaks_for_other_systems_unless_those_for_python_3_differ(
    tmp_path: Path, on_macos: str, told: list[str] | None
) -> None:
    read = {
        "cp27-cp27mu-manylinux1_x86_64": ["estimator", "mock"],
        "cp37-cp37m-manylinux1_x86_64": ["estimator"],
        "cp37-cp37m-macosx_10_11_x86_64": [on_macos],
    }
    unread = "tiny-1.0-cp27-cp27m-macosx_10_11_x86_64.whl"
    package = {
        "name": "tiny",
        "version": "1.0",
        "files": [file(unread, "aa"), *(file(f"tiny-1.0-{tags}.whl", "bb") for tags in read)],
        "metadata": [metadata(tags, *requires) for tags, requires in read.items()],
    }

    locked_releases.assemble([{"packages": [package]}], tmp_path, allow_fewer=False)

    snapshot = IndexSnapshot(tmp_path).package("tiny")
    assert snapshot is not None
    requires = {file.name: file.requires for file in snapshot.files(Version("1.0"))}
    assert requires == {unread: told and tuple(told)} | {
        f"tiny-1.0-{tags}.whl": tuple(names) for tags, names in read.items()
    }


def test_a_distribution_that_would_lose_releases_is_refused(tmp_path: Path) -> None:
    newer = PACKAGE | {"version": "3.10.0"}
    locked_releases.assemble([{"packages": [PACKAGE, newer]}], tmp_path, allow_fewer=False)

    with pytest.raises(SystemExit, match="refused to replace 2 rows by 1; --allow-fewer insists"):
        locked_releases.assemble([{"packages": [PACKAGE]}], tmp_path, allow_fewer=False)


def locked(name: str, version: str, *requires: str) -> dict[str, Any]:
    """A package of a lock: one wheel for every Python."""
    wheel = file(f"{name}-{version}-py3-none-any.whl", "aa")
    return {"name": name, "version": version, "files": [wheel], "metadata": [metadata("py3-none-any", *requires)]}


def pin(version: str) -> Trial:
    return replace(TRIAL, subject="tiny", version=Version(version), requirements=(Requirement(f"tiny=={version}"),))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The releases of ``tiny`` that uv is asked to lock; it knows all but 9.0, and pip beside each."""
    names: list[str] = []

    def answer(trial: Trial, cache: Path) -> dict[str, Any]:
        assert cache == Path("cache")
        names.append(str(trial.version))
        row = locked_releases.describe_trial(trial)
        if names[-1] == "9.0":
            return row | {"error": "no solution"}
        return row | {"packages": [locked("pip", "21.0"), locked("tiny", names[-1])]}

    monkeypatch.setattr(locked_releases, "lock", answer)
    return names


def versions_in(table: Path) -> list[str]:
    return [json.loads(line)["version"] for line in table.read_text().splitlines()[1:]]


def test_what_the_tables_do_not_solve_is_locked_and_added(
    tmp_path: Path, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    journal, folder = Journal(tmp_path / "journal"), tmp_path / "snapshot"
    locked_releases.assemble([{"packages": [locked("pip", "21.0"), locked("tiny", "1.0")]}], folder, allow_fewer=False)
    on_another_python = replace(pin("2.0"), target=Target(python="3.9", platform=LINUX_X86_64))
    trials = [pin("1.0"), pin("9.0"), pin("2.0"), on_another_python]
    capsys.readouterr()

    locked_releases.add(trials, journal, folder, Path("cache"))

    assert asked == ["9.0", "2.0"]
    assert versions_in(folder / "tiny.jsonl") == ["1.0", "2.0"]
    assert capsys.readouterr().err.splitlines() == [
        "2/4 tiny: tiny==9.0 on 3.8 on linux_x86_64: no solution",
        "3/4 tiny: tiny==2.0 on 3.8 on linux_x86_64: 2 distributions",
        "tiny.jsonl: 1 added (2.0)",
    ]


def test_a_second_run_locks_nothing_again_and_changes_nothing(tmp_path: Path, asked: list[str]) -> None:
    journal, folder = Journal(tmp_path / "journal"), tmp_path / "snapshot"
    locked_releases.add([pin("9.0"), pin("2.0")], journal, folder, Path("cache"))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    locked_releases.add([pin("9.0"), pin("2.0")], journal, folder, Path("cache"))

    assert asked == ["9.0", "2.0"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_lock_that_a_killed_run_has_left_in_the_journal_is_added(tmp_path: Path, asked: list[str]) -> None:
    journal, folder = Journal(tmp_path / "journal"), tmp_path / "snapshot"
    left = pin("2.0")
    journal.append(locked_releases.describe_trial(left) | {"packages": [locked("tiny", "2.0")]})

    locked_releases.add([left], journal, folder, Path("cache"))

    assert asked == []
    assert versions_in(folder / "tiny.jsonl") == ["2.0"]
