"""Requirements that a person asks for besides."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlock.errors import UsageError
from envlock.requirements_file import parse_requirement, read_requirements

READ = [
    pytest.param("pandas\nscipy>=1.5\n", ["pandas", "scipy>=1.5"], id="a requirement a line"),
    pytest.param("# mine\n\npandas  # for tables\n", ["pandas"], id="comments and empty lines"),
    pytest.param("six==1.16.0 \\\n    --hash=sha256:ab\n", ["six==1.16.0"], id="hashes and continued lines"),
    pytest.param("\ufeffsix", ["six"], id="a byte order mark"),
    pytest.param('futures; python_version < "3"', ['futures; python_version < "3"'], id="a marker"),
    pytest.param("", [], id="nothing"),
]


@pytest.mark.parametrize(("text", "requirements"), READ)
def test_requirements_are_read_from_a_file(tmp_path: Path, text: str, requirements: list[str]) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text(text, encoding="utf-8")

    assert [str(item) for item in read_requirements(path)] == requirements


REFUSED = [
    pytest.param(b"-r other.txt\n", "line 1: -r is an option", id="an option"),
    pytest.param(b"six\n--index-url https://me:secret@host\n", "line 2: --index-url is an option", id="a secret"),
    pytest.param(b"six\nno requirement\n", "line 2: 'no requirement' is no requirement: ", id="something else"),
    pytest.param(b"\xff\xfe", "is no text in UTF-8", id="no text"),
]


@pytest.mark.parametrize(("content", "message"), REFUSED)
def test_what_is_no_list_of_requirements_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes(content)

    with pytest.raises(UsageError) as caught:
        read_requirements(path)

    assert message in str(caught.value)
    assert "secret" not in str(caught.value) + caught.value.hint


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file or directory"):
        read_requirements(tmp_path / "nothing.txt")


def test_the_credentials_of_an_address_are_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        parse_requirement("git+https://me:secret@host/pandas.git")

    assert str(caught.value).startswith("'git+https://host/pandas.git' is no requirement: ")
    assert caught.value.hint == "such as pandas, 'pandas>=1.2,<2' or 'pandas @ https://...'"
