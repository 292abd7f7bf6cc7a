"""The options of ``envlock from-model`` that decide what is locked and where, without a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envlock.cli import main
from envlock.writers import WRITERS

EXAMPLE = Path(__file__).parent.parent / "assets" / "example" / "model.h5"
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lock(*options: str) -> int:
    """Locks with the offline engine alone."""
    return main(["from-model", str(EXAMPLE), "--lock-only", "--engine", "offline", *options])


def documents(captured: Captured) -> list[dict[str, Any]]:
    return [json.loads(line) for line in captured.readouterr().out.splitlines()]


REFUSED = [
    pytest.param(
        ["--no-index"],
        "--no-index leaves nothing to install from [usage]",
        "add --find-links DIR, or --lock-only to make no environment",
        id="nothing to install from",
    ),
    pytest.param(
        ["--no-index", "--engine", "uv", "--lock-only"],
        "--engine uv asks the index, which --no-index forbids [usage]",
        "leave one of them out",
        id="an engine that needs the index",
    ),
    pytest.param(
        ["--find-links", "absent"],
        "--find-links absent: not a folder [usage]",
        "pass the folder that envlock fetch filled",
        id="no such wheelhouse",
    ),
    pytest.param(
        ["--python-platform", "macos_arm64", "--python-platform", "win_amd64", "--lock-only", "-o", "lock.txt"],
        "-o names one lock, and several are asked for [usage]",
        "leave it out: each lock has its own name",
        id="one name for several locks",
    ),
    pytest.param(
        ["-o", "locked.toml", "--lock-only"],
        "-o locked.toml: installers take pylock.toml by that name alone, or as pylock.NAME.toml [usage]",
        "name it so with -o, or choose another format than pylock.toml with --format",
        id="a name that no installer reads",
    ),
    pytest.param(
        ["--python-platform", "win_amd64"],
        "an environment can be made for this machine alone [usage]",
        "add --lock-only",
        id="an environment for another machine",
    ),
    pytest.param(
        ["--check"],
        "requirements.txt: there is no lock to check [usage]",
        "leave --check out to make it",
        id="nothing to check",
    ),
    pytest.param(
        ["--with", "https://me:secret@index.example/pandas.whl"],
        "'https://index.example/pandas.whl' is no requirement: Expected semicolon (after name with no version specifier) "
        "or end [usage]",
        "such as pandas, 'pandas>=1.2,<2' or 'pandas @ https://...'",
        id="an address without a name",
    ),
]


@pytest.mark.parametrize(("options", "message", "hint"), REFUSED)
def test_what_makes_no_sense_together_is_refused_in_one_line(
    options: list[str], message: str, hint: str, folder: Path, capsys: Captured
) -> None:
    assert main(["from-model", str(EXAMPLE), *options]) == 2

    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"envlock: {message}\n  {hint}\n")
    assert list(folder.iterdir()) == []


FORMATS = [
    ([], "requirements.txt", "requirements.txt"),
    (["-o", "locked.txt"], "locked.txt", "requirements.txt"),
    (["-o", "locked"], "locked", "requirements.txt"),
    (["-o", "constraints.txt"], "constraints.txt", "constraints.txt"),
    (["--format", "constraints.txt"], "constraints.txt", "constraints.txt"),
    (["-o", "constraints.txt", "--format", "requirements.txt"], "constraints.txt", "requirements.txt"),
    (["-o", "locked.toml", "--format", "requirements.txt"], "locked.toml", "requirements.txt"),
]


@pytest.mark.parametrize(("options", "name", "form"), FORMATS)
def test_the_format_is_the_one_that_is_named_or_else_that_of_the_file_name(
    options: list[str], name: str, form: str, folder: Path
) -> None:
    assert lock(*options) == 0

    assert [path.name for path in folder.iterdir()] == [name]
    text = (folder / name).read_text(encoding="utf-8")
    assert [writer.name for writer in WRITERS if writer.is_ours(text)] == [form]


@pytest.mark.parametrize(
    ("form", "held", "use"),
    [
        ("requirements.txt", "hash-pinned", "DIR/bin/python -m pip install --require-hashes -r requirements.txt"),
        ("constraints.txt", "pinned without hashes", "DIR/bin/python -m pip install -c constraints.txt NAME"),
    ],
)
def test_what_is_printed_says_how_to_use_that_format(form: str, held: str, use: str, capsys: Captured) -> None:
    lock("--format", form)

    printed = capsys.readouterr().out
    assert f"distributions, {held})" in printed
    assert printed.endswith(f"Use it          python3.8 -m venv DIR && {use}\n")


def test_several_platforms_give_a_lock_and_a_document_each(folder: Path, capsys: Captured) -> None:
    platforms = ["--python-platform", "linux_x86_64", "--python-platform", "win_amd64"]

    assert lock("--json", "--tensorflow", "2.4", *platforms) == 0
    made = documents(capsys)
    assert [document["candidate"]["platform"] for document in made] == ["linux_x86_64", "win_amd64"]
    assert [document["lock"] for document in made] == ["requirements-linux_x86_64.txt", "requirements-win_amd64.txt"]
    assert sorted(path.name for path in folder.iterdir()) == [document["lock"] for document in made]

    (folder / made[1]["lock"]).write_text((folder / made[0]["lock"]).read_text())
    assert main(["from-model", str(EXAMPLE), "--check", "--json", "--engine", "offline", *platforms]) == 1
    assert [document["is_stale"] for document in documents(capsys)] == [False, True]


def test_a_lock_is_checked_beside_an_environment_without_touching_it(folder: Path, capsys: Captured) -> None:
    lock()
    (folder / ".venv").mkdir()
    capsys.readouterr()

    assert main(["from-model", str(EXAMPLE), "--check", "--engine", "offline"]) == 0

    assert capsys.readouterr().out == "requirements.txt is what would be made now\n"
    assert list((folder / ".venv").iterdir()) == []


def test_a_lock_that_was_edited_is_named_with_what_changes(folder: Path, capsys: Captured) -> None:
    lock()
    path = folder / "requirements.txt"
    path.write_text(path.read_text().replace("\ntensorflow-cpu==2.4.4 ", "\ntensorflow-cpu==2.4.3 "))
    capsys.readouterr()

    assert main(["from-model", str(EXAMPLE), "--check", "--engine", "offline"]) == 1

    assert capsys.readouterr().out == "requirements.txt is stale:\n  tensorflow-cpu 2.4.3 -> 2.4.4\n"


def test_a_distribution_that_the_database_lacks_is_named_with_the_engine_that_may_know_it(
    folder: Path, capsys: Captured
) -> None:
    assert lock("-q", "--tensorflow", "2.4", "--prefer", "saver", "--with", "a-name-of-nobody") == 1

    assert capsys.readouterr().err == (
        "envlock: no environment that was tried serves: tensorflow-cpu 2.4.4 on Python 3.8: resolution failed: "
        "the database does not hold a-name-of-nobody (asked for) [no-environment]\n"
        "  take --engine uv, which asks the package index\n"
    )
    assert list(folder.iterdir()) == []


def test_the_lock_names_the_command_without_the_folder_of_the_model(folder: Path) -> None:
    lock("--with", "six")

    text = (folder / "requirements.txt").read_text()
    assert "# Made by: envlock from-model model.h5 --lock-only --engine offline --with six\n" in text
    assert str(EXAMPLE.parent) not in text
