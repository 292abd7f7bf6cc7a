"""Requirements that a person asks for besides."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlock.errors import UsageError
from envlock.requirements_file import parse_requirement, read_requirements

READ = [
    pytest.param(b"pandas\nscipy>=1.5\n", ["pandas", "scipy>=1.5"], id="a requirement a line"),
    pytest.param(b"# mine\n\npandas  # for tables\n", ["pandas"], id="comments and empty lines"),
    pytest.param(b"six==1.16.0 \\\n    --hash=sha256:ab \\\n    --hash sha256:cd\n", ["six==1.16.0"], id="hashes"),
    pytest.param(b"six>=1,\\\n<2\n# not continued \\\npandas\\", ["six<2,>=1", "pandas"], id="continued lines"),
    pytest.param(b"\xef\xbb\xbfsix", ["six"], id="a byte order mark"),
    pytest.param("six\r\npandas\r\n".encode("utf-16"), ["six", "pandas"], id="UTF-16, as PowerShell writes it"),
    pytest.param(b"# f\xfcr Tabellen\npandas\n", ["pandas"], id="Latin-1"),
    pytest.param(b"six\r\npandas\rscipy", ["six", "pandas", "scipy"], id="line ends of other systems"),
    pytest.param(b'futures; python_version < "3"', ['futures; python_version < "3"'], id="a marker"),
    pytest.param(b"--require-hashes\n--prefer-binary\nsix", ["six"], id="options that are followed anyway"),
    pytest.param(b"", [], id="nothing"),
]


@pytest.mark.parametrize(("content", "requirements"), READ)
def test_requirements_are_read_from_a_file(tmp_path: Path, content: bytes, requirements: list[str]) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes(content)

    wanted = read_requirements(path)

    assert ([str(item) for item in wanted.requirements], wanted.constraints) == (requirements, ())


@pytest.mark.parametrize(
    "lines",
    [
        ("-r sub/more.txt", "-c sub/bounds.txt"),
        ("-rsub/more.txt", "-csub/bounds.txt"),
        ("--requirement=sub/more.txt", "--constraint sub/bounds.txt"),
        ("--requirement 'sub/more.txt'  # mine", '-c "sub/bounds.txt"'),
    ],
)
def test_files_that_are_included_are_read_from_beside_the_one_that_names_them(
    tmp_path: Path, lines: tuple[str, str]
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "all.txt").write_text("six\n" + "\n".join(lines))
    (tmp_path / "sub" / "more.txt").write_text("-r last.txt\nscipy")
    (tmp_path / "sub" / "last.txt").write_text("pandas")
    (tmp_path / "sub" / "bounds.txt").write_text("-r last.txt\nnumpy<2")

    wanted = read_requirements(tmp_path / "all.txt")

    assert list(map(str, wanted.requirements)) == ["six", "pandas", "scipy"]
    assert list(map(str, wanted.constraints)) == ["pandas", "numpy<2"]


def elsewhere(option: str) -> str:
    return f"line 2: {option} would take distributions from elsewhere, which envlock does not do silently"


REFUSED = [
    pytest.param("--index-url https://me:secret@host", elsewhere("--index-url"), id="an index"),
    pytest.param("--extra-index-url=https://me:secret@host", elsewhere("--extra-index-url"), id="one more index"),
    pytest.param("-i https://me:secret@host", elsewhere("-i"), id="an index in short"),
    pytest.param("--find-links ./wheels", elsewhere("--find-links"), id="a folder of wheels"),
    pytest.param("--no-index", elsewhere("--no-index"), id="no index"),
    pytest.param("-e .", "line 2: -e names a project in a folder, which no hash pins", id="a project"),
    pytest.param("--pre", "line 2: --pre is an option that envlock does not follow", id="another option"),
    pytest.param("-", "line 2: - is an option that envlock does not follow", id="a dash"),
    pytest.param("six --no-binary", "line 2: --no-binary is an option that envlock does not follow", id="behind"),
    pytest.param("-r https://host/r.txt", "line 2: -r has to name a file that is here", id="a file elsewhere"),
    pytest.param("-r", "line 2: -r has to name a file that is here", id="no file"),
    pytest.param(
        "six @ https://me:secret@host/six.whl",
        "line 2: 'six @ https://host/six.whl' is an address, and locks are of releases that an index serves",
        id="an address",
    ),
    pytest.param("-r mine.txt", "line 2: mine.txt includes itself", id="itself"),
    pytest.param(
        "no requirement",
        "line 2: 'no requirement' is no requirement: Expected semicolon (after name with no version specifier) or end",
        id="something else",
    ),
]


@pytest.mark.parametrize(("line", "message"), REFUSED)
def test_a_line_that_is_not_followed_is_named_with_its_file(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(f"six  # mine\n{line}\npandas\n")

    with pytest.raises(UsageError) as caught:
        read_requirements(path)

    assert str(caught.value) == f"{path}, {message}"
    assert caught.value.hint
    assert "secret" not in str(caught.value) + caught.value.hint


def test_a_line_after_continued_ones_keeps_its_number(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("six==1 \\\n  --hash=sha256:ab \\\n  --hash=sha256:cd\n\n???\n")

    with pytest.raises(UsageError, match=r"mine\.txt, line 5: "):
        read_requirements(path)


def test_a_constraint_is_a_range_of_versions(tmp_path: Path) -> None:
    (tmp_path / "all.txt").write_text("-c bounds.txt")
    (tmp_path / "bounds.txt").write_text("six[all]==1")

    with pytest.raises(UsageError) as caught:
        read_requirements(tmp_path / "all.txt")

    assert str(caught.value) == f"{tmp_path / 'bounds.txt'}, line 1: a constraint has no extras"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\x89HDF\r\n\x1a\n\0\0", "is no text"), (b"#" * (4 * 1024 * 1024 + 1), "too large for a requirements file")],
    ids=["no text", "too large"],
)
def test_what_is_no_requirements_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes(content)

    with pytest.raises(UsageError) as caught:
        read_requirements(path)

    assert str(caught.value) == f"{path}: {message}"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file or directory"):
        read_requirements(tmp_path / "nothing.txt")


def test_the_credentials_of_an_address_are_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        parse_requirement("git+https://me:secret@host/pandas.git")

    assert str(caught.value).startswith("'git+https://host/pandas.git' is no requirement: ")
    assert caught.value.hint == "such as pandas or 'pandas>=1.2,<2'"
