"""What came out since the database was made, against a tiny index on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from envlock.errors import NetworkError
from envlock.freshness import find_missing_releases
from envlock.knowledge.snapshot import IndexSnapshot
from envlock.package_index import PackageIndex
from tests.index_server import Server, serve_index

HARVESTED = "2026-11-21"
KNOWN = "1.1"

CASES = [
    pytest.param({"p-1.2-py3-none-any.whl": ("2026-11-22", None)}, ["1.2"], id="a release that came out later"),
    pytest.param({"p-1.2.tar.gz": ("2026-11-22", None)}, ["1.2"], id="a source distribution alone"),
    pytest.param({"p-1.2.tar.gz": ("2026-11-21", None)}, ["1.2"], id="on the same day, perhaps after the harvest"),
    pytest.param({"p-1.2.tar.gz": (None, None)}, ["1.2"], id="an index that tells no days"),
    pytest.param({"p-1.0.tar.gz": ("2026-11-20", None)}, [], id="an earlier release that was left out"),
    pytest.param(
        {"p-1.0.tar.gz": ("2026-11-20", None), "p-1.0-py3-none-any.whl": ("2026-11-22", None)},
        [],
        id="a later wheel of an earlier release",
    ),
    pytest.param({"p-1.1-py3-none-any.whl": ("2026-11-22", None)}, [], id="a later wheel of a known release"),
    pytest.param({"p-1.2rc1.tar.gz": ("2026-11-22", None)}, [], id="a pre-release"),
    pytest.param({"p-1.2.tar.gz": ("2026-11-22", "broken")}, [], id="a yanked release"),
    pytest.param({"p-1.2.win32.exe": ("2026-11-22", None)}, [], id="a format that nothing installs"),
    pytest.param(
        {"p-1.10.tar.gz": ("2026-11-23", None), "p-1.9.tar.gz": ("2026-11-24", None)},
        ["1.9", "1.10"],
        id="several, in order",
    ),
]


@pytest.fixture
def server() -> Iterator[Server]:
    with serve_index() as server:
        yield server


@pytest.fixture
def snapshot(tmp_path: Path) -> IndexSnapshot:
    header = {"distribution": "p", "harvested": HARVESTED, "requires_python": [], "requires": []}
    rows = [json.dumps(header), json.dumps({"version": KNOWN, "files": []})]
    (tmp_path / "p.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return IndexSnapshot(tmp_path)


@pytest.mark.parametrize(("files", "versions"), CASES)
def test_final_releases_since_the_harvest_are_missing(
    server: Server, snapshot: IndexSnapshot, files: dict[str, tuple[str | None, str | None]], versions: list[str]
) -> None:
    page = {
        "files": [
            {"filename": name, "url": name, "hashes": {}, "size": 1}
            | ({"upload-time": f"{day}T12:00:00Z"} if day else {})
            | ({"yanked": reason} if reason else {})
            for name, (day, reason) in files.items()
        ]
    }
    server.pages["/simple/p/"] = ("application/vnd.pypi.simple.v1+json", json.dumps(page).encode())

    found = find_missing_releases(PackageIndex(server.url, pause=0), snapshot)

    assert [(item.distribution, list(map(str, item.versions))) for item in found] == (
        [("p", versions)] if versions else []
    )


def test_a_distribution_that_the_index_lacks_misses_nothing(server: Server, snapshot: IndexSnapshot) -> None:
    assert find_missing_releases(PackageIndex(server.url, pause=0), snapshot) == ()


def test_an_index_that_does_not_answer_is_an_error(snapshot: IndexSnapshot) -> None:
    with serve_index() as gone:
        url = gone.url
    with pytest.raises(NetworkError):
        find_missing_releases(PackageIndex(url, attempts=1, pause=0), snapshot)
