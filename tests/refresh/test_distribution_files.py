"""Wheels and sdists as the scripts that rewrite the tables read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from distribution_files import fetch_members, files_to_read, last_of_each_line
from packaging.version import Version

from envlock.package_index import PackageIndex
from tests.index_server import serve_index
from tests.refresh.tiny_index import TinyIndex, publish


def chosen(*names: str) -> dict[str, str]:
    index = TinyIndex({name: {} for name in names})
    return {str(version): file.name for version, file in files_to_read(index.files("tensorflow")).items()}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(
            [
                "tensorflow-2.9.3-cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
                "tensorflow-2.9.3-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
                "tensorflow-2.9.3-cp311-cp311-win_amd64.whl",
            ],
            {"2.9.3": "tensorflow-2.9.3-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"},
            id="the newest Python on Linux",
        ),
        pytest.param(
            ["tensorflow-2.9.3.tar.gz", "tensorflow-2.9.3-py3-none-any.whl"],
            {"2.9.3": "tensorflow-2.9.3-py3-none-any.whl"},
            id="a wheel before an sdist",
        ),
        pytest.param(
            ["tensorflow-2.9.3-cp39-cp39-win_amd64.whl", "tensorflow-2.9.3.tar.gz"],
            {"2.9.3": "tensorflow-2.9.3.tar.gz"},
            id="an sdist before a wheel for Windows",
        ),
        pytest.param(["tensorflow-2.9.3-cp39-cp39-win_amd64.whl"], {}, id="nothing for Linux"),
        pytest.param(["tensorflow-2.10.0rc1-py3-none-any.whl"], {}, id="a pre-release"),
        pytest.param(["tensorflow-2.9.3.exe", "tensorflow-no.whl"], {}, id="what no installer takes"),
        pytest.param(
            ["tensorflow-2.10.0.tar.gz", "tensorflow-2.9.0.tar.gz"],
            {"2.9.0": "tensorflow-2.9.0.tar.gz", "2.10.0": "tensorflow-2.10.0.tar.gz"},
            id="in the order of versions",
        ),
    ],
)
def test_one_file_speaks_for_a_release(names: list[str], expected: dict[str, str]) -> None:
    assert list(chosen(*names).items()) == list(expected.items())


def test_of_each_line_the_last_release_is_taken_that_is_not_yanked() -> None:
    index = TinyIndex({"kit-1.0-py3-none-any.whl": {}})
    (file,) = index.files("kit")
    versions = ["2.10.0", "2.9.0", "2.9.10", "2.9.3", "2.15.0", "2.15.0.post1"]
    files = {Version(version): file for version in versions}
    files[Version("2.9.11")] = replace(file, yanked="")

    assert [str(version) for version in last_of_each_line(files)] == ["2.9.10", "2.10.0", "2.15.0.post1"]


@pytest.mark.parametrize(
    ("name", "members", "expected"),
    [
        pytest.param(
            "tensorflow-1.15.0-cp37-cp37m-manylinux2010_x86_64.whl",
            {
                "tensorflow-1.15.0.data/purelib/tensorflow_core/include/a.h": "1",
                "tensorflow_core/python/b.py": "2",
                "tensorflow_core/python/unwanted.so": "3",
            },
            {"tensorflow/include/a.h": "1", "tensorflow/python/b.py": "2"},
            id="a wheel",
        ),
        pytest.param(
            "keras-1.2.2.tar.gz",
            {"src/keras/b.py": "\ufeff2", "PKG-INFO": "Name: keras"},
            {"keras/b.py": "2"},
            id="an sdist",
        ),
    ],
)
def test_members_are_named_as_they_are_installed(
    name: str, members: dict[str, str], expected: dict[str, str], tmp_path: Path
) -> None:
    index = TinyIndex({name: members})
    (file,) = index.files(name.partition("-")[0])

    assert fetch_members(index, file, lambda path: path.endswith((".py", ".h")), tmp_path) == expected


def test_what_was_fetched_is_not_fetched_again(tmp_path: Path) -> None:
    index = TinyIndex({"kit-1.0-py3-none-any.whl": {"kit.py": "1"}})
    (file,) = index.files("kit")
    folder = tmp_path / "new"
    fetched = [fetch_members(index, file, str.isascii, folder) for _ in range(2)]

    assert fetched == [{"kit.py": "1"}] * 2
    assert index.opened == ["kit-1.0-py3-none-any.whl"]
    assert [found.name for found in folder.iterdir()] == ["kit-1.0-py3-none-any.whl.zip"]


def test_members_that_lie_close_together_are_one_request(tmp_path: Path) -> None:
    far = "#" * 300_000
    members = {f"kit/{number}.py": str(number) for number in range(50)} | {"kit/big.txt": far, "kit/last.py": far}
    with serve_index() as server, PackageIndex(server.url) as index:
        publish(server, "kit", {"kit-1.0-py3-none-any.whl": members})
        (file,) = index.files("kit")
        fetched = fetch_members(index, file, lambda path: path.endswith(".py"), tmp_path)

    # The table of contents at the end of the wheel, and two stretches with the large member between them.
    assert [span is not None for _, span, _ in server.asked] == [False, True, True, True]
    assert len(fetched) == 51
