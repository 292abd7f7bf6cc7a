"""What is read from uv: its pins and its complaints."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from envlock.errors import NetworkError, ResolutionError
from envlock.resolution import RESOLVERS, Pin
from envlock.resolution.uv import UvResolver, parse_pins
from envlock.target import LINUX_X86_64, Target

COMPILED = """\
six==1.17.0 \\
    --hash=sha256:bb \\
    --hash=sha256:aa
    # via
    #   google-pasta
    #   tensorflow-cpu
Termcolor==1.1.0 ; python_version < "3.9" \\
    --hash=sha256:cc
    # via tensorflow-cpu
tensorflow-cpu==2.3.4 \\
    --hash=sha256:dd
    # via -r -
"""


def test_pins_carry_their_hashes_and_what_requires_them() -> None:
    assert parse_pins(COMPILED) == [
        Pin(name="six", version=Version("1.17.0"), hashes=("sha256:aa", "sha256:bb"), via=("google-pasta", "tensorflow-cpu")),
        Pin(name="tensorflow-cpu", version=Version("2.3.4"), hashes=("sha256:dd",), via=()),
        Pin(name="termcolor", version=Version("1.1.0"), hashes=("sha256:cc",), via=("tensorflow-cpu",)),
    ]  # fmt: skip


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
    names = [resolver.name for resolver in RESOLVERS]

    assert len(set(names)) == len(names)
