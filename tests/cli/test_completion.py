"""The scripts for shells complete what the parser takes: tried in the shells, as typed."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from envlock.cli import COMMANDS, main

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], ". ./script"),
    "zsh": (["zsh", "-f", "-i"], 'autoload -Uz compinit; compinit -u; eval "$(cat script)"'),
}
"""How a shell is started without anything of the person's, and how it takes the script."""

CASES = [
    pytest.param("envlock from-m", "envlock from-model ", id="command"),
    pytest.param("envlock db sh", "envlock db show ", id="command of a group"),
    pytest.param("envlock from-model --pref", "envlock from-model --prefer ", id="option"),
    pytest.param("envlock from-model --prefer sav", "envlock from-model --prefer saver ", id="choice"),
    pytest.param("envlock inspect mod", "envlock inspect model\\ one.h5 ", id="file"),
    pytest.param("envlock verify m --venv en", "envlock verify m --venv env/", id="folder"),
]


DELETE_LINE = b"\x15"


def filled(folder: Path) -> Path:
    """*folder* with something to complete."""
    (folder / "model one.h5").touch()
    (folder / "env").mkdir()
    (folder / "env.txt").touch()
    return folder


def script_for(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.fixture(scope="module", params=SHELLS)
def terminal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The descriptor at which a person sits, before a shell that has taken the script."""
    words, take = SHELLS[request.param]
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not here")
    folder = filled(tmp_path_factory.mktemp("shell"))
    script = subprocess.run(
        [sys.executable, "-m", "envlock", "completion", request.param], capture_output=True, text=True, check=True
    )
    (folder / "script").write_text(script.stdout)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb", "PS1": "$ "}
    person, far_end = pty.openpty()
    with subprocess.Popen(
        words, stdin=far_end, stdout=far_end, stderr=far_end, env=environment, cwd=folder, start_new_session=True
    ) as shell:
        os.close(far_end)
        # The quotes tell what the command prints from the echo of what is typed.
        type_and_wait(person, f"{take}; echo tak''en\n", "taken")
        yield person
        shell.kill()
    os.close(person)


def type_and_wait(person: int, typed: str, awaited: str) -> str:
    """What the terminal shows after *typed*, until *awaited* is among it."""
    os.write(person, typed.encode())
    shown, deadline = "", time.monotonic() + 30
    while awaited not in shown and time.monotonic() < deadline:
        if select.select([person], [], [], 0.1)[0]:
            shown += os.read(person, 1 << 16).decode(errors="replace")
    return shown


@pytest.mark.parametrize(("typed", "completed"), CASES)
def test_tab_completes(typed: str, completed: str, terminal: int) -> None:
    shown = type_and_wait(terminal, f"{typed}\t", completed)
    os.write(terminal, DELETE_LINE)

    assert completed in shown


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not here")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("envlock from-m", ["from-model"]),
        ("envlock db ", ["check", "info", "show"]),
        ("envlock from-model --pref", ["--prefer"]),
        ("envlock from-model --prefer ", ["auto", "newest", "saver"]),
        ("envlock inspect mod", ["model one.h5"]),
        ("envlock verify m --venv en", ["env/"]),
    ],
)
def test_fish_offers(typed: str, offered: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = filled(tmp_path)
    (folder / "script").write_text(script_for("fish", capsys))
    done = subprocess.run(
        ["fish", "--no-config", "-c", "source script; complete -C $argv[1]", typed],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        cwd=folder,
    )

    assert sorted(line.split("\t")[0] for line in done.stdout.splitlines()) == offered


@pytest.mark.parametrize("shell", [*SHELLS, "fish"])
def test_every_command_is_completed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    script = script_for(shell, capsys)

    assert [name for name in COMMANDS if name not in script] == []


def test_a_shell_that_is_not_served_is_refused_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "ksh"]) == 2
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .startswith("envlock completion: error: argument SHELL: invalid choice: 'ksh' (choose from")
    )


def test_the_script_is_had_as_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    script = script_for("zsh", capsys)

    assert main(["completion", "zsh", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {"schema": "envlock/completion/1", "shell": "zsh", "script": script}
