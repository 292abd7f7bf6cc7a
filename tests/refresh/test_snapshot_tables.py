"""Tables of the snapshot that get more releases and files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.version import Version
from snapshot_tables import ListedFile, Metadata, add_to_snapshot, write_snapshot

from envlock.knowledge.snapshot import IndexSnapshot, SnapshotFile

WHEEL = ListedFile(
    name="tiny-1.0-py3-none-any.whl",
    uploaded="2020-11-06T18:00:00Z",
    sha256="aa",
    size=7,
    requires_python=">=3.6",
    declares=Metadata(requires=("numpy>=1.12",), extras=("mpi",)),
    yanked="broken",
)
FOR_WINDOWS = replace(WHEEL, name="tiny-1.0-cp38-cp38-win_amd64.whl", sha256="bb")
UNKNOWN = replace(WHEEL, uploaded=None, size=None, requires_python="", declares=None)
NEWER = replace(WHEEL, name="tiny-2.0-py3-none-any.whl", sha256="cc")


def write(folder: Path, version: str, *files: ListedFile, is_complete: bool = False) -> None:
    releases = {Version(version): files}
    write_snapshot(folder, "tiny", releases, generator="a", is_complete=is_complete, allow_fewer=False)


def known(file: ListedFile) -> SnapshotFile:
    """As it is read from a table."""
    requires, extras = (file.declares.requires, file.declares.extras) if file.declares else (None, ())
    return SnapshotFile(
        file.name, file.uploaded, file.sha256, file.size, file.requires_python, requires, extras, file.yanked
    )


def files_in(folder: Path) -> dict[str, list[SnapshotFile]]:
    package = IndexSnapshot(folder).package("tiny")
    assert package is not None
    return {str(version): list(package.files(version)) for version in package.versions}


@pytest.mark.parametrize(
    ("there", "version", "added", "afterwards"),
    [
        pytest.param([WHEEL], "2.0", [NEWER], {"1.0": [WHEEL], "2.0": [NEWER]}, id="a release"),
        pytest.param([WHEEL], "1.0", [FOR_WINDOWS], {"1.0": [FOR_WINDOWS, WHEEL]}, id="a file"),
        pytest.param([UNKNOWN], "1.0", [WHEEL], {"1.0": [WHEEL]}, id="what was not known of a file"),
        pytest.param([WHEEL], "1.0", [UNKNOWN], {"1.0": [WHEEL]}, id="less than is known of a file"),
    ],
)
def test_what_is_added_stands_beside_what_is_there(
    there: list[ListedFile],
    version: str,
    added: list[ListedFile],
    afterwards: dict[str, list[ListedFile]],
    tmp_path: Path,
) -> None:
    write(tmp_path, "1.0", *there)

    add_to_snapshot(tmp_path, "tiny", {Version(version): added}, generator="b")

    assert files_in(tmp_path) == {release: list(map(known, files)) for release, files in afterwards.items()}


@pytest.mark.parametrize("is_complete", [True, False])
def test_whether_a_table_has_all_releases_of_the_index_is_not_changed_by_one_more(
    is_complete: bool, tmp_path: Path
) -> None:
    write(tmp_path, "1.0", WHEEL, is_complete=is_complete)

    add_to_snapshot(tmp_path, "tiny", {Version("2.0"): [NEWER]}, generator="b")

    package = IndexSnapshot(tmp_path).package("tiny")
    assert package is not None
    assert package.is_complete is is_complete


def test_a_distribution_that_is_not_there_gets_a_table_of_what_was_needed(tmp_path: Path) -> None:
    files: Iterable[ListedFile] = [WHEEL]

    add_to_snapshot(tmp_path, "tiny", {Version("1.0"): files}, generator="b")

    package = IndexSnapshot(tmp_path).package("tiny")
    assert package is not None
    assert not package.is_complete
    assert files_in(tmp_path) == {"1.0": [known(WHEEL)]}
