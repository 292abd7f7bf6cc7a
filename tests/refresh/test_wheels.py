"""Wheels as the scripts that rewrite the tables read them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "data" / "refresh"))

from packaging.version import Version
from wheels import kept, last_of_each_line, linux_wheels, open_wheel

from tests.refresh.wheelhouse import Wheelhouse


def test_the_wheel_of_a_release_is_the_one_for_the_newest_python_on_linux() -> None:
    names = (
        "tensorflow-2.9.3-cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "tensorflow-2.9.3-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "tensorflow-2.9.3-cp310-cp310-win_amd64.whl",
        "tensorflow-2.10.0rc1-cp310-cp310-manylinux_2_17_x86_64.whl",
        "tensorflow-0.12.0-py3-none-any.whl",
        "tensorflow-2.9.3.tar.gz",
    )
    house = Wheelhouse({name: {} for name in names})

    found = {str(version): file.name for version, file in linux_wheels(house.files("tensorflow")).items()}

    assert found == {
        "0.12.0": "tensorflow-0.12.0-py3-none-any.whl",
        "2.9.3": "tensorflow-2.9.3-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    }


def test_of_each_line_the_last_release_is_taken() -> None:
    versions = ["2.10.0", "2.9.0", "2.9.10", "2.9.3", "2.15.0", "2.15.0.post1"]
    wheels = dict.fromkeys(map(Version, versions))

    assert [str(version) for version in last_of_each_line(wheels)] == ["2.9.10", "2.10.0", "2.15.0.post1"]


def test_members_are_named_as_they_are_installed() -> None:
    name = "tensorflow-1.15.0-cp37-cp37m-manylinux2010_x86_64.whl"
    house = Wheelhouse(
        {
            name: {
                "tensorflow-1.15.0.data/purelib/tensorflow_core/include/a.h": "1",
                "tensorflow_core/python/b.py": "2",
                "tensorflow-1.15.0.dist-info/METADATA": "Name: tensorflow",
            }
        }
    )

    with open_wheel(house, house.files("tensorflow")[0]) as wheel:
        assert wheel.read("tensorflow/include/a.h") == "1"
        assert wheel.read("tensorflow/include/absent.h") == ""
        assert dict(wheel.matching(r"tensorflow/.*\.py")) == {"tensorflow/python/b.py": "2"}
        assert wheel.metadata() == "Name: tensorflow"


def test_what_was_made_is_not_made_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "2.4.4.json"

    assert kept(path, lambda: {"producer": 561}) == {"producer": 561}
    assert kept(path, lambda: {"producer": 0}) == {"producer": 561}
    assert [found.name for found in path.parent.iterdir()] == ["2.4.4.json"]
