"""Everything that ends with one clear line, exit code 2, and nothing written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest

from envlock import __version__, cli
from envlock.cli import main
from envlock.reporter import Reporter

EXAMPLE = Path(__file__).parent.parent / "assets" / "example" / "model.h5"
WHOLE = EXAMPLE.read_bytes()


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "model.h5: no such file or directory [missing-artifact]", id="missing"),
        pytest.param(b"", "model.h5: expected a saved model, found an empty file [not-a-model]", id="empty"),
        pytest.param(
            b"<!DOCTYPE html><html></html>",
            "model.h5: expected a saved model, found a web page [not-a-model]",
            id="web page",
        ),
        pytest.param(
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
            "model.h5: expected a saved model, found a Git LFS pointer instead of the file [not-a-model]",
            id="Git LFS pointer",
        ),
        pytest.param(
            WHOLE[:9000],
            f"model.h5: HDF5 file: expected {len(WHOLE)} bytes at offset 0, found 9000 [truncated-file]",
            id="truncated",
        ),
        pytest.param(
            WHOLE[:1000] + b"\xff" * 100 + WHOLE[1100:],
            "model.h5: object header continuation at offset 1064: a field of 65535 bytes does not fit into the 16 bytes"
            " left [damaged-file]",
            id="overwritten",
        ),
    ],
)
def test_a_file_that_is_no_model_is_named_for_what_it_is(
    content: bytes | None, message: str, empty_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (empty_folder / "model.h5").write_bytes(content)

    assert main(["from-model", "model.h5"]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.splitlines()[0]) == ("", f"envlock: {message}")
    assert sorted(path.name for path in empty_folder.iterdir()) == ([] if content is None else ["model.h5"])


def test_a_lock_of_somebody_else_is_not_overwritten(empty_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (empty_folder / "requirements.txt").write_text("tensorflow\n")

    assert main(["from-model", str(EXAMPLE)]) == 2
    assert capsys.readouterr().err == (
        "envlock: requirements.txt: exists and was not written by envlock, left untouched [occupied-path]\n"
        "  name another file with -o, or move it away\n"
    )
    assert (empty_folder / "requirements.txt").read_text() == "tensorflow\n"


def test_an_environment_of_somebody_else_is_not_overwritten(
    empty_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (empty_folder / ".venv").mkdir()
    (empty_folder / ".venv" / "pyvenv.cfg").write_text("home = /somewhere\n")

    assert main(["from-model", str(EXAMPLE)]) == 2
    assert "--venv" in capsys.readouterr().err
    assert [path.name for path in (empty_folder / ".venv").iterdir()] == ["pyvenv.cfg"]
    assert not (empty_folder / "requirements.txt").exists()


def test_an_index_that_does_not_answer_leaves_nothing_behind(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(empty_folder / "cache"))

    assert main(["from-model", str(EXAMPLE)]) == 2
    assert "[no-network]" in capsys.readouterr().err
    assert [path.name for path in empty_folder.iterdir() if path.name != "cache"] == []


def test_no_python_that_fits_is_a_no_with_the_command_that_gets_one(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENVLOCK_PYTHONS", str(empty_folder))

    assert main(["from-model", str(EXAMPLE), "--prefer", "saver"]) == 1
    assert capsys.readouterr().err == (
        "envlock: tensorflow-cpu 2.4.4 on Python 3.8 would load the model, but Python 3.8 is not here [no-environment]\n"
        "  get it with: uv python install 3.8, and name it in ENVLOCK_PYTHONS, which limits the search\n"
    )
    assert list(empty_folder.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="no command"),
        pytest.param(["from-model"], id="no path"),
        pytest.param(["from-model", "model.h5", "--python-version", "three"], id="no Python version"),
        pytest.param(["from-model", "model.h5", "--tensorflow", "latest"], id="no version"),
    ],
)
def test_a_wrong_call_is_explained_by_the_parser(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: envlock")


@pytest.mark.parametrize("python", ["2.6", "3.3", "3.4", "3.30", "4.0"])
@pytest.mark.parametrize(
    "command", [["from-model", "missing.h5"], ["docker", "missing.h5", "-o", "image"], ["from-project", "."]]
)
def test_a_python_without_tensorflow_is_refused_before_anything_is_read(
    command: list[str], python: str, empty_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--python-version", python]) == 2
    assert capsys.readouterr().err == (
        f"envlock: no environment with TensorFlow can be made of Python {python} [usage]\n"
        "  choose another: 2.7, 3.5, 3.6, 3.7, 3.8, 3.9, 3.10, 3.11, 3.12, 3.13\n"
    )
    assert list(empty_folder.iterdir()) == []


def test_a_wrong_call_that_asks_for_json_gets_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["from-model", "--json", "model.h5", "--prefer", "best"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("usage: envlock from-model")
    message = captured.err.splitlines()[-1].removeprefix("envlock from-model: error: ")
    assert json.loads(captured.out) == {
        "schema": "envlock/error/1",
        "path": None,
        "reference": "usage",
        "message": message,
        "hint": "envlock from-model --help explains the arguments",
    }
    assert message.startswith("argument --prefer: invalid choice: 'best'")


def test_code_that_is_no_folder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["from-model", str(EXAMPLE), "--code", str(EXAMPLE)]) == 2
    assert capsys.readouterr().err.splitlines()[0] == f"envlock: --code {EXAMPLE}: not a folder [usage]"


def test_the_module_runs_as_a_program() -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "envlock", "--version"], capture_output=True, text=True, check=True
    )

    assert completed.stdout == f"envlock {__version__}\n"


# --- ends that no command foresees ---------------------------------------------------------------------------


class FailingCommand:
    """Fails in a way of its own."""

    name = "fail"
    summary = "fail"

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def configure(self, parser: ArgumentParser) -> None:
        """Takes nothing."""

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        del arguments, reporter
        raise self._error


FAULT = "envlock: internal error: ValueError: boom \\x1b[31m [internal-error]\n"
ADVICE = "  this is a fault of envlock: please report it, with what the same command prints with -v\n"


def test_a_fault_of_envlock_is_one_line_and_the_request_to_report_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "COMMANDS", {"fail": lambda: FailingCommand(ValueError("boom\n \x1b[31m"))})

    assert main(["fail"]) == 2
    assert capsys.readouterr() == ("", FAULT + ADVICE)


def test_a_fault_of_envlock_has_a_traceback_for_who_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "COMMANDS", {"fail": lambda: FailingCommand(ValueError("boom\n \x1b[31m"))})

    assert main(["fail", "-v"]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("Traceback (most recent call last):\n")
    assert complaint.endswith(FAULT + ADVICE)


def test_a_fault_of_envlock_is_told_to_scripts_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "COMMANDS", {"fail": lambda: FailingCommand(RecursionError("too deep"))})

    assert main(["fail", "--json"]) == 2
    assert json.loads(capsys.readouterr().out) == {
        "schema": "envlock/error/1",
        "path": None,
        "reference": "internal-error",
        "message": "internal error: RecursionError: too deep",
        "hint": ADVICE.strip(),
    }


def test_an_interruption_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cli, "COMMANDS", {"fail": lambda: FailingCommand(KeyboardInterrupt())})

    assert main(["fail"]) == 130
    assert capsys.readouterr() == ("", "envlock: interrupted\n")


# Runs the command line with a command that makes a folder, waits, and removes the folder on its way out.
WAITING = """
import pathlib, sys, tempfile, time
from envlock import cli

class Wait:
    name = summary = "wait"
    def configure(self, parser): pass
    def run(self, arguments, reporter):
        with tempfile.TemporaryDirectory(dir=sys.argv[1]):
            print("ready", flush=True)
            # In slices: a signal that comes just before a sleep is handled when that one ends.
            for _ in range(600):
                time.sleep(0.1)

cli.COMMANDS = {"wait": Wait}
sys.exit(cli.main(["wait"]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_envlock_lets_it_clean_up(number: signal.Signals, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", WAITING, str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as envlock:
        assert envlock.stdout is not None
        assert envlock.stdout.readline() == "ready\n"
        envlock.send_signal(number)
        complaint = envlock.communicate(timeout=30)[1]

    assert (envlock.returncode, complaint) == (128 + number, "envlock: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_a_command_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    arguments = ["nohup", sys.executable, "-c", WAITING, str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as envlock:
        assert envlock.stdout is not None
        assert envlock.stdout.readline() == "ready\n"
        envlock.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        assert envlock.poll() is None
        envlock.terminate()
        envlock.communicate(timeout=30)

    assert envlock.returncode == 128 + signal.SIGTERM


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
@pytest.mark.parametrize("arguments", [["inspect", str(EXAMPLE)], ["inspect", "--json", str(EXAMPLE)], ["--help"]])
def test_output_that_nobody_can_take_is_one_line(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        completed = subprocess.run(
            [sys.executable, "-m", "envlock", *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert completed.returncode == 2
    assert completed.stderr == "envlock: standard output: No space left on device [cannot-write]\n"


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        completed = subprocess.run(
            [sys.executable, "-m", "envlock", "inspect", str(EXAMPLE)],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)

    assert (completed.returncode, completed.stderr) == (0, "")
