"""What is read from uv: its pins and its complaints."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from envlock.errors import NetworkError, ResolutionError
from envlock.formats.pinned_requirements import read_pinned_requirements
from envlock.resolution import Pin, PinnedFile, UnservedTargetError, resolvers_of
from envlock.resolution.uv import UvResolver, combine_pins
from envlock.target import LINUX_X86_64, Target
from tests.building import write_wheel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ANNOTATED = """\
Termcolor==1.1.0 ; python_version < "3.9"    # via tensorflow-cpu
six==1.17.0               # via google-pasta, tensorflow-cpu, -c /tmp/constraints.txt
tensorflow-cpu[full]==2.3.4    # via -r -
"""

LISTED = """\
[[packages]]
name = "six"
version = "1.17.0"
sdist = { url = "https://index/six-1.17.0.tar.gz", hashes = { sha256 = "ff" } }
wheels = [{ url = "https://index/six-1.17.0-py2.py3-none-any.whl", upload-time = 2024-12-04T17:35:26.5Z, size = 11050, hashes = { sha256 = "aa" } }]

[[packages]]
name = "tensorflow-cpu"
version = "2.3.4"
wheels = [
    { url = "https://me:secret@index/tensorflow_cpu-2.3.4%2Bmine-cp38-cp38-manylinux2010_x86_64.whl", hashes = { sha256 = "cc" } },
    { url = "https://index/tensorflow_cpu-2.3.4-cp38-cp38-manylinux1_x86_64.whl", hashes = { sha256 = "bb" } },
]

[[packages]]
name = "termcolor"
version = "1.1.0"
sdist = { url = "https://index/termcolor-1.1.0.tar.gz", hashes = { sha256 = "dd" } }
"""


def test_pins_carry_their_files_and_what_requires_them() -> None:
    pins = combine_pins(read_pinned_requirements(ANNOTATED), tomllib.loads(LISTED))

    assert list(pins) == [
        Pin(
            name="six",
            version=Version("1.17.0"),
            files=(PinnedFile(name="six-1.17.0-py2.py3-none-any.whl", sha256="aa", size=11050, uploaded="2024-12-04T17:35:26Z", url="https://index/six-1.17.0-py2.py3-none-any.whl"),),
            via=("google-pasta", "tensorflow-cpu"),
        ),
        Pin(
            name="tensorflow-cpu",
            version=Version("2.3.4"),
            files=(
                PinnedFile(name="tensorflow_cpu-2.3.4+mine-cp38-cp38-manylinux2010_x86_64.whl", sha256="cc", url="https://index/tensorflow_cpu-2.3.4%2Bmine-cp38-cp38-manylinux2010_x86_64.whl"),
                PinnedFile(name="tensorflow_cpu-2.3.4-cp38-cp38-manylinux1_x86_64.whl", sha256="bb", url="https://index/tensorflow_cpu-2.3.4-cp38-cp38-manylinux1_x86_64.whl"),
            ),
            via=(),
        ),
        Pin(
            name="termcolor",
            version=Version("1.1.0"),
            files=(PinnedFile(name="termcolor-1.1.0.tar.gz", sha256="dd", url="https://index/termcolor-1.1.0.tar.gz"),),
            via=("tensorflow-cpu",),
            is_source=True,
        ),
    ]  # fmt: skip


def test_a_distribution_in_a_folder_is_pinned_with_its_file_and_without_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wheel(tmp_path, "tool", "1.0", requires=["child"])
    child = write_wheel(tmp_path, "child", "2.0")
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))

    resolution = UvResolver().resolve(
        [Requirement("tool")], constraints=[], target=Target(python="3.11", platform=LINUX_X86_64), interpreter=None
    )

    assert [pin.name for pin in resolution.pins] == ["child", "tool"]
    assert resolution.pins[0] == Pin(
        name="child",
        version=Version("2.0"),
        files=(PinnedFile(name=child.name, sha256=sha256(child.read_bytes()).hexdigest(), url=child.as_uri()),),
        via=("tool",),
    )


def test_what_is_kept_gives_way_where_it_has_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("1.0", "2.0", "3.0"):
        write_wheel(tmp_path, "tool", version)
        write_wheel(tmp_path, "child", version)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))

    resolution = UvResolver().resolve(
        [Requirement("tool"), Requirement("child>=2")],
        constraints=[],
        target=Target(python="3.11", platform=LINUX_X86_64),
        interpreter=None,
        kept=[Requirement("tool==1.0"), Requirement("child==1.0")],
    )

    assert [f"{pin.name}=={pin.version}" for pin in resolution.pins] == ["child==3.0", "tool==1.0"]


@pytest.mark.parametrize("python", ["2.7", "3.5"])
def test_a_python_that_uv_does_not_know_is_a_resolution_error(python: str) -> None:
    with pytest.raises(UnservedTargetError) as caught:
        UvResolver().resolve(
            [Requirement("six")], constraints=[], target=Target(python=python, platform=LINUX_X86_64), interpreter=None
        )

    assert caught.value.explanation == f"uv does not resolve for Python {python}"


@pytest.fixture
def index_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_DEFAULT_INDEX", tmp_path.as_uri())


@pytest.mark.usefixtures("index_of_nothing")
def test_what_cannot_be_satisfied_is_a_resolution_error() -> None:
    with pytest.raises(ResolutionError) as caught:
        UvResolver().resolve(
            [Requirement("a-distribution-that-no-cache-holds==1")],
            constraints=[],
            target=Target(python="3.11", platform=LINUX_X86_64),
            interpreter=None,
        )

    assert caught.value.exit_code == 1
    assert "a-distribution-that-no-cache-holds==1 on Python 3.11: no set of distributions satisfies it" in str(
        caught.value
    )


def test_an_index_that_does_not_answer_is_a_network_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")

    with pytest.raises(NetworkError) as caught:
        UvResolver().resolve(
            [Requirement("a-distribution-that-no-cache-holds==1")],
            constraints=[],
            target=Target(python="3.11", platform=LINUX_X86_64),
            interpreter=None,
        )

    assert caught.value.exit_code == 2
    assert str(caught.value).startswith("resolving: the package index cannot be reached: ")


def test_every_resolver_has_a_name_of_its_own() -> None:
    names = [resolver.name for resolver in resolvers_of()]

    assert len(set(names)) == len(names)
