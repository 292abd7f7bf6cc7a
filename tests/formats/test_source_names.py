"""What file names of source distributions tell."""

from __future__ import annotations

import pytest

from envlock.formats.source_names import releases_of_source


@pytest.mark.parametrize(
    ("name", "releases"),
    [
        pytest.param("Tiny-1.0.tar.gz", [("tiny", "1.0")], id="as it is today"),
        pytest.param("backports.weakref-1.0.post1.zip", [("backports-weakref", "1.0.post1")], id="a dot in the name"),
        pytest.param("google-auth-2.0.tar.bz2", [("google-auth", "2.0")], id="a dash in the name"),
        pytest.param(
            "functools32-3.2.3-2.tar.gz",
            [("functools32", "3.2.3.post2"), ("functools32-3-2-3", "2")],
            id="a dash in the version",
        ),
        pytest.param("tiny-1.0.win32-py2.7.exe", [], id="an installer"),
        pytest.param("tiny.tar.gz", [], id="no version"),
        pytest.param("tiny-new.tgz", [], id="no version after the dash"),
    ],
)
def test_a_file_name_tells_what_it_can_be_the_source_of(name: str, releases: list[tuple[str, str]]) -> None:
    assert [(found, str(version)) for found, version in releases_of_source(name)] == releases
