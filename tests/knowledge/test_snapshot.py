"""The index snapshot: read lazily, told whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from envlock.knowledge.snapshot import IndexSnapshot, SnapshotFile

NUMPY = """\
{"generator": "data/refresh/snapshot.py", "distribution": "numpy", "rows": 2, "requires_python": ["", ">=3.6"], "requires": [[], ["six (>=1.10)", "mock; extra == 'test'"]], "extras": [[], ["test"]]}
{"version": "1.9", "files": [["numpy-1.9.zip", "2015-01-01T10:00:00Z", "aa", null, 0, null, null]]}
{"version": "1.10.0", "files": [["numpy-1.10.0-cp36-cp36m-win_amd64.whl", "2020-02-02T10:00:00Z", "bb", 2000, 1, 1, "broken"], ["numpy-1.10.0.zip", "2020-02-01T10:00:00Z", "cc", 1000, 0, 0, null]]}
"""


@pytest.fixture
def snapshot(tmp_path: Path) -> IndexSnapshot:
    (tmp_path / "numpy.jsonl").write_text(NUMPY, encoding="utf-8")
    return IndexSnapshot(tmp_path)


def test_a_release_has_its_files_with_what_the_header_says_of_them(snapshot: IndexSnapshot) -> None:
    numpy = snapshot.package("NumPy")

    assert numpy is not None
    assert numpy.files(Version("1.10")) == (
        SnapshotFile("numpy-1.10.0-cp36-cp36m-win_amd64.whl", "2020-02-02T10:00:00Z", "bb", 2000, ">=3.6", ("six (>=1.10)", "mock; extra == 'test'"), ("test",), "broken"),
        SnapshotFile("numpy-1.10.0.zip", "2020-02-01T10:00:00Z", "cc", 1000, "", (), (), None),
    )  # fmt: skip
    assert [file.is_wheel for file in numpy.files(Version("1.10"))] == [True, False]


def test_requirements_that_could_not_be_had_are_not_taken_for_none(snapshot: IndexSnapshot) -> None:
    numpy = snapshot.package("numpy")

    assert numpy is not None
    assert [file.requires for file in numpy.files(Version("1.9"))] == [None]


def test_versions_are_oldest_first_and_dated_by_their_first_file(snapshot: IndexSnapshot) -> None:
    numpy = snapshot.package("numpy")

    assert numpy is not None
    assert [(str(version), numpy.uploaded(version)) for version in numpy.versions] == [
        ("1.9", "2015-01-01T10:00:00Z"),
        ("1.10.0", "2020-02-01T10:00:00Z"),
    ]


def test_a_distribution_that_was_not_harvested_is_none(snapshot: IndexSnapshot) -> None:
    assert snapshot.package("torch") is None
    assert snapshot.names() == ("numpy",)
