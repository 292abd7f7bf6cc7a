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


ONE_OF_THEM = "leave one of them out"
REFUSED = {
    "nothing to install from": (
        ["--no-index"],
        "--no-index leaves nothing to install from",
        "add --find-links DIR, or --lock-only to make no environment",
    ),
    "an engine that needs the index": (
        ["--no-index", "--engine", "uv", "--lock-only"],
        "--engine uv asks the index, which --no-index forbids",
        ONE_OF_THEM,
    ),
    "no such wheelhouse": (
        ["--find-links", "absent"],
        "--find-links absent: not a folder",
        "pass the folder that envlock fetch filled",
    ),
    "one name for several locks": (
        ["--python-platform", "macos_arm64", "--python-platform", "win_amd64", "--lock-only", "-o", "lock.txt"],
        "-o names one lock, and several are asked for",
        "leave it out: each lock has its own name",
    ),
    "a name that no installer reads": (
        ["-o", "locked.toml", "--lock-only"],
        "-o locked.toml: installers take pylock.toml by that name alone, or as pylock.NAME.toml",
        "name it so with -o, or choose another format than pylock.toml with --format",
    ),
    "an environment for another machine": (
        ["--python-platform", "win_amd64"],
        "an environment can be made for this machine alone",
        "add --lock-only",
    ),
    "two things on standard output": (
        ["-o", "-", "--check"],
        "-o - prints the lock, and --check something else",
        ONE_OF_THEM,
    ),
    "an extra of TensorFlow": (
        ["--with", "tensorflow[and-cuda]"],
        "tensorflow[and-cuda]: envlock chooses the distribution of TensorFlow itself",
        "name a plain version, or use --tensorflow, --device and --python-version",
    ),
    "nothing to check": (["--check"], "requirements.txt: there is no lock to check", "leave --check out to make it"),
    "nothing to clear": (
        ["--lock-only", "--clear"],
        "--clear is about an environment, and --lock-only makes none",
        ONE_OF_THEM,
    ),
    "nothing for a kernel to run in": (
        ["--check", "--kernel"],
        "--kernel is about an environment, and --check makes none",
        ONE_OF_THEM,
    ),
    "a name that Jupyter does not take": (
        ["--kernel", "My Kernel"],
        "--kernel My Kernel: no name of a kernel",
        "use lower-case letters and digits, and then also . _ -",
    ),
    "to load it and not to load it": (
        ["--no-verify", "--verify-again"],
        "--verify-again contradicts --no-verify",
        ONE_OF_THEM,
    ),
    "nothing to compare with": (
        ["--no-verify", "--against", ".venv"],
        "--against contradicts --no-verify",
        ONE_OF_THEM,
    ),
    "no environment to compare": (
        ["--lock-only", "--against", ".venv"],
        "--against is about an environment, and --lock-only makes none",
        ONE_OF_THEM,
    ),
    "a builder without code": (
        ["--builder", "build_model"],
        "--builder build_model is looked for in your code",
        "pass its folder with --code DIR",
    ),
    "a builder for a whole model": (
        ["--code", ".", "--builder", "build_model", "--lock-only"],
        "--builder build_model: builds the model that weights belong to, and the artifact is no weights but a model",
        "leave it out",
    ),
    "an address without a name": (
        ["--with", "https://me:secret@index.example/pandas.whl"],
        "'https://index.example/pandas.whl' is no requirement: Expected semicolon (after name with no version specifier) "
        "or end",
        "such as pandas or 'pandas>=1.2,<2'",
    ),
}


@pytest.mark.parametrize(("options", "message", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_together_is_refused_in_one_line(
    options: list[str], message: str, hint: str, folder: Path, capsys: Captured
) -> None:
    assert main(["from-model", str(EXAMPLE), *options]) == 2

    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"envlock: {message} [usage]\n  {hint}\n")
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
        "envlock: tensorflow-cpu 2.4.4 on Python 3.8 does not go with a-name-of-nobody: "
        "the database does not hold a-name-of-nobody (asked for) [no-environment]\n"
        "  take --engine uv, which asks the package index\n"
    )
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--with", "six"], "--with six"),
        (["-o", "{folder}/lock.txt"], "-o lock.txt"),
        (["--output={folder}/lock.txt"], "--output=lock.txt"),
        (["-o./lock.txt", "--venv", "../{folder.name}/.venv"], "-olock.txt --venv .venv"),
        (["--with-requirements", "{folder}/mine.in"], "--with-requirements mine.in"),
    ],
)
def test_the_lock_names_the_command_without_folders(options: list[str], told: str, folder: Path) -> None:
    (folder / "mine.in").write_text("six\n")

    assert lock(*(option.format(folder=folder) for option in options)) == 0

    (text,) = (path.read_text() for path in folder.glob("*.txt"))
    assert f"# Made by: envlock from-model model.h5 --lock-only --engine offline {told}\n" in text
    assert str(EXAMPLE.parent) not in text


def test_a_dash_prints_the_lock_alone_and_the_report_beside_it(folder: Path, capsys: Captured) -> None:
    assert lock("-o", "-") == 0

    printed = capsys.readouterr()
    assert printed.out.startswith("# Locked by envlock: ")
    assert "  lock          on standard output (" in printed.err
    assert list(folder.iterdir()) == []
    assert lock("-o", "-", "-q", "--format", "constraints.txt") == 0
    assert [line for line in capsys.readouterr().err.splitlines() if line] == []


def test_a_lock_keeps_its_format_until_another_is_named(folder: Path) -> None:
    path = folder / "requirements.txt"
    for options, form in [
        (["-o", path.name, "--format", "constraints.txt"], "constraints.txt"),
        ([], "constraints.txt"),
        (["--format", "requirements.txt"], "requirements.txt"),
    ]:
        assert lock(*options) == 0
        assert [writer.name for writer in WRITERS if writer.is_ours(path.read_text())] == [form]


def test_no_lock_is_written_where_one_of_several_is_refused(folder: Path, capsys: Captured) -> None:
    (folder / "requirements-win_amd64.txt").write_text("mine\n")

    assert lock("--python-platform", "linux_x86_64", "--python-platform", "win_amd64") == 2
    assert capsys.readouterr().out == ""
    assert lock("--tensorflow", "2.4", "--python-platform", "linux_x86_64", "--python-platform", "macos_arm64") == 1

    assert [path.name for path in folder.iterdir()] == ["requirements-win_amd64.txt"]


def test_tensorflow_in_a_requirements_file_says_which_one_is_wanted(folder: Path, capsys: Captured) -> None:
    (folder / "mine.in").write_text("tensorflow-gpu==2.3.4\n-c bounds.in\n")
    (folder / "bounds.in").write_text("six<1.16\n")

    assert lock("--with-requirements", "mine.in") == 0

    assert capsys.readouterr().err == (
        "envlock: TensorFlow ==2.3.4 is among what you want besides: taken as --tensorflow is\n"
    )
    text = (folder / "requirements.txt").read_text()
    assert "\ntensorflow-cpu==2.3.4 " in text
    assert "\ntensorflow-gpu==" not in text
    assert "\nsix==1.15.0 " in text


CONFLICTS = {
    "a Python": (
        ["--tensorflow", "1.15", "--python-version", "3.11"],
        "TensorFlow 1.15 has no wheel for Python 3.11 on linux_x86_64",
        "it has wheels for Python 2.7, 3.5, 3.6, 3.7: choose another --python-version or --tensorflow",
    ),
    "no release": (
        ["--tensorflow", "99"],
        "the database holds no release of TensorFlow 99",
        "name another with --tensorflow: it holds 0.12 to 2.21",
    ),
    "a bound": (
        ["--tensorflow", "2.10", "--with", "numpy==2.0"],
        "tensorflow-cpu 2.10.1 on Python 3.10 does not go with numpy==2.0: numpy==2.0 (asked for) is against numpy<2 (a bound in force)",
        "ask for numpy==1.26.4 instead of numpy==2.0",
    ),
    "a requirement": (
        ["--tensorflow", "2.9", "--with", "protobuf>=5"],
        "tensorflow-cpu 2.9.3 on Python 3.10 does not go with protobuf>=5: no release of protobuf satisfies protobuf>=5 (asked for) and protobuf<3.20,>=3.9.2 (required by tensorflow-cpu 2.9.3)",
        "ask for protobuf==3.19.6 instead of protobuf>=5",
    ),
    "each other": (
        ["--tensorflow", "2.4", "--with", "numpy<1", "--with", "numpy>2"],
        "tensorflow-cpu 2.4.4 on Python 3.8 does not go with numpy<1 and numpy>2: numpy<1 (asked for) and numpy>2 (asked for) exclude each other",
        ONE_OF_THEM,
    ),
}


@pytest.mark.parametrize(("options", "message", "hint"), CONFLICTS.values(), ids=CONFLICTS)
def test_a_conflict_that_is_certain_is_told_without_asking_the_index(
    options: list[str], message: str, hint: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envlock.resolution.uv.run_uv", None)
    platform = ["--python-platform", "linux_x86_64", "--prefer", "auto"]

    assert main(["from-model", str(EXAMPLE), "--lock-only", *platform, *options]) == 1

    assert capsys.readouterr() == ("", f"envlock: {message} [no-environment]\n  {hint}\n")


def test_a_wish_that_only_a_late_line_meets_is_met_by_that_one(folder: Path, capsys: Captured) -> None:
    assert lock("--with", "numpy>=2", "--python-platform", "linux_x86_64") == 0

    printed = capsys.readouterr()
    assert "tensorflow 2.18" in printed.out
    assert "more do not go with numpy>=2: no release of numpy satisfies" in printed.out
    assert printed.err == ""


def test_only_what_a_new_wish_moves_is_moved(folder: Path, capsys: Captured) -> None:
    lock("-q")
    path = folder / "requirements.txt"
    before = WRITERS[0].read_pins(path.read_text())
    capsys.readouterr()

    assert lock("--with", f"wheel<{before['wheel']}") == 0

    after = WRITERS[0].read_pins(path.read_text())
    assert {name for name in after if after[name] != before.get(name)} == {"wheel"}
    assert capsys.readouterr().err == (
        f"envlock: requirements.txt: not all of its pins can be kept: "
        f"wheel=={before['wheel']} is now {after['wheel']}\n"
    )


# --- the script ----------------------------------------------------------------------------------------------


def test_a_lock_alone_has_no_script_beside_it_unless_one_is_named(folder: Path, capsys: Captured) -> None:
    assert lock("--json") == 0
    assert documents_of(capsys)["script"] is None
    assert [path.name for path in folder.iterdir()] == ["requirements.txt"]

    assert lock("--loader", "load.py", "--json") == 0

    script = (folder / "load.py").read_text(encoding="utf-8")
    assert documents_of(capsys)["script"] == "load.py"
    assert "model = tf.keras.models.load_model(path)" in script
    assert "#     python load.py [PATH]" in script
    assert "# Not tried yet." in script
    # It is known again, and replaced.
    assert lock("--loader", "load.py") == 0


OCCUPIED = "name another file with --loader, or move it away"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--loader", "mine.py"],
            f"mine.py: exists and was not written by envlock, left untouched [occupied-path]\n  {OCCUPIED}",
        ),
        (
            ["--loader", "load.py", "--check"],
            "--loader is for one environment, not for --check [usage]\n  leave one of them out",
        ),
        (
            ["--loader", "requirements.txt"],
            "requirements.txt: cannot be both the lock and the script that loads the model [usage]\n"
            "  name another file with --loader",
        ),
    ],
)
def test_a_script_takes_the_place_of_nothing_else(
    options: list[str], message: str, folder: Path, capsys: Captured
) -> None:
    (folder / "mine.py").write_text("print()\n", encoding="utf-8")

    assert lock(*options) == 2
    assert capsys.readouterr().err == f"envlock: {message}\n"
    assert sorted(path.name for path in folder.iterdir()) == ["mine.py"]


def test_what_a_person_has_filled_in_stays(folder: Path, capsys: Captured) -> None:
    lock("--loader", "load.py")
    script = folder / "load.py"
    script.write_text(script.read_text() + "print(load())\n")
    edited = script.read_text()
    capsys.readouterr()

    assert lock("--loader", "load.py") == 2
    assert capsys.readouterr().err == (
        "envlock: load.py: was changed since envlock wrote it, left untouched [occupied-path]\n"
        "  name another file with --loader, or remove it to have it written anew\n"
    )
    assert script.read_text() == edited


def documents_of(captured: Captured) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(captured.readouterr().out)
    return document
