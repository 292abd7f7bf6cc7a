"""`envlock fetch` from the command line to its report."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path

import pytest

from envlock.cli import main

NAME = "tiny-1.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def locked_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a lock of one wheel, which is offered in the only place that pip looks in."""
    index = tmp_path / "index"
    index.mkdir()
    with zipfile.ZipFile(index / NAME, "w") as archive:
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "requirements.txt").write_text(
        "# For Python 3.8 on linux_x86_64; another target needs a lock of its own.\n"
        f"tiny==1.0 \\\n    --hash=sha256:{digest_of(index / NAME)}\n    # via nothing\n"
    )
    monkeypatch.chdir(folder)
    for variable in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(variable)
    settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)}
    for variable, value in settings.items():
        monkeypatch.setenv(variable, value)
    return folder


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_report_says_what_was_fetched_and_how_to_install_it(
    locked_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch", "-d", "my wheels"]) == 0

    size = (locked_folder / "my wheels" / NAME).stat().st_size
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out == (
        "Wheelhouse      my wheels: all that requirements.txt needs for Python 3.8 on Linux x86_64\n"
        f"  fetched       1 file, {size / 1e6:.1f} MB\n"
        f"  there now     1 file, {size / 1e6:.1f} MB\n"
        "\n"
        "Without network python -m pip install --require-hashes --no-index --find-links 'my wheels'"
        " -r requirements.txt\n"
    )


def test_the_document_lists_every_file(locked_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["fetch", "--json"])
    assert json.loads(capsys.readouterr().out)["fetched"]["files"] == 1

    assert main(["fetch", "--json", "-r", "requirements.txt"]) == 0

    wheel = locked_folder / "wheelhouse" / NAME
    size = wheel.stat().st_size
    assert json.loads(capsys.readouterr().out) == {
        "schema": "envlock/fetch/1",
        "lock": "requirements.txt",
        "folder": "wheelhouse",
        "requirements": "requirements.txt",
        "target": {"python": "3.8", "platform": "linux_x86_64"},
        "fetched": {"files": 0, "bytes": 0},
        "total": {"files": 1, "bytes": size},
        "files": [{"name": NAME, "bytes": size, "sha256": digest_of(wheel), "source": False, "fetched": False}],
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["-r", "absent.txt"],
            "envlock: absent.txt: no such file or directory [missing-artifact]\n  check the path and its permissions\n",
            id="no lock",
        ),
        pytest.param(
            ["--python-platform", "win_amd64", "--python-version", "3"],
            "argument --python-version: '3' is not a Python version such as 3.8\n",
            id="no Python",
        ),
        pytest.param(
            ["-d", "requirements.txt"],
            "envlock: requirements.txt: File exists [cannot-write]\n  choose another place\n",
            id="no folder",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, locked_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch", *arguments]) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith(message)
    assert [path.name for path in locked_folder.iterdir()] == ["requirements.txt"]
