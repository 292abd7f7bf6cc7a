"""What is written beside the environment, and what is left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envlock.cli import main
from envlock.errors import NoCandidateError, UsageError
from envlock.pipeline.request import ScriptPlace
from tests.world import GOOD, World

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def from_model(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the command in the person's folder, where an environment is made and the model loads."""
    monkeypatch.chdir(world.folder)

    def run(*options: str) -> int:
        return main(["from-model", "model.h5", "--code", "code", "--python-version", "3.10", *options])

    return run


def files_in(folder: Path) -> list[str]:
    """What a run has written there, beside the environment."""
    return sorted(path.name for path in folder.iterdir() if path.name not in {"code", "model.h5", ".venv"})


@pytest.mark.parametrize(
    ("options", "files"),
    [
        pytest.param([], ["load_model.py", "requirements.txt"], id="by default"),
        pytest.param(["--no-loader"], ["requirements.txt"], id="forbidden"),
        pytest.param(["--loader", "load.py"], ["load.py", "requirements.txt"], id="named"),
        pytest.param(["-o", "-"], [], id="a printed lock has no place"),
        pytest.param(["-o", "-", "--loader", "load.py"], ["load.py"], id="a printed lock and a named script"),
    ],
)
def test_a_script_that_loads_the_model_stands_beside_the_lock(
    options: list[str], files: list[str], from_model: Callable[..., int], world: World
) -> None:
    assert from_model(*options) == 0

    assert files_in(world.folder) == files


def test_a_script_stands_beside_a_lock_in_another_folder(from_model: Callable[..., int], world: World) -> None:
    (world.folder / "locks").mkdir()

    assert from_model("-o", "locks/requirements.txt") == 0

    assert files_in(world.folder / "locks") == ["load_model.py", "requirements.txt"]
    assert "os.path.join(HERE, '../model.h5')" in (world.folder / "locks/load_model.py").read_text()


@pytest.mark.parametrize(
    ("text", "note"),
    [
        pytest.param(
            "print()\n",
            "load_model.py: exists and was not written by envlock, left untouched; "
            "name another file with --loader, or move it away",
            id="somebody's own",
        ),
        pytest.param(
            "SCRIPTload()\n",
            "load_model.py: was changed since envlock wrote it, left untouched; "
            "name another file with --loader, or remove it to have it written anew",
            id="edited",
        ),
    ],
)
def test_a_script_that_nobody_asked_for_gives_way(
    text: str, note: str, from_model: Callable[..., int], world: World, capsys: Captured
) -> None:
    from_model()
    script = world.folder / "load_model.py"
    script.write_text(text.replace("SCRIPT", script.read_text()))
    before = script.read_text()
    capsys.readouterr()

    assert from_model() == 0

    printed = capsys.readouterr()
    assert printed.err == f"envlock: {note}\n"
    assert "or run it" not in printed.out
    assert script.read_text() == before


def test_a_script_as_it_was_written_is_replaced(from_model: Callable[..., int], world: World) -> None:
    from_model()
    script = world.folder / "load_model.py"
    before = script.read_text()

    assert from_model("--tensorflow", "2.14") == 0

    assert "# Environment: tensorflow-cpu 2.14.1 on Python 3.10\n" in script.read_text()
    assert "# Environment: tensorflow-cpu 2.15.1 on Python 3.10\n" in before


def test_where_nothing_loads_nothing_is_written(world: World) -> None:
    world.answers.extend([replace(GOOD, loads=False, predicts=None, error="TypeError: no")] * 9)

    with pytest.raises(NoCandidateError):
        world.run(script=ScriptPlace(path=world.folder / "load_model.py", is_named=False))

    assert files_in(world.folder) == []
    assert not (world.folder / ".venv").exists()


@pytest.mark.parametrize("fields", [{"lock_path": "requirements.txt"}, {"script": "load.py"}], ids=["lock", "script"])
def test_an_environment_holds_nothing_that_a_new_one_would_take_away(fields: dict[str, str], world: World) -> None:
    (world.folder / ".venv").mkdir()
    ((name, file),) = fields.items()
    path = world.folder / ".venv" / file
    changes: dict[str, Any] = {name: ScriptPlace(path=path, is_named=True) if name == "script" else path}

    with pytest.raises(UsageError) as caught:
        world.run(**changes)

    assert str(caught.value) == f"{path}: cannot stand inside the environment"
