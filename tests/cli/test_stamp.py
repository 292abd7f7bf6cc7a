"""``envlock stamp`` as a person and as a script see it."""

from __future__ import annotations

import json
import runpy
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from envlock.cli import main
from envlock.recording import stamp
from tests.cli.test_verify import LOADED
from tests.diagnosis.environments import make_environment

ASSETS = Path(__file__).parents[1] / "assets"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    """What the command prints in a folder with a model, and an environment in which it loads."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ASSETS / "keras/tf-2.3-functional.h5", "model.h5")
    make_environment(tmp_path / ".venv", tensorflow_cpu="2.4.4", numpy="1.19.5")
    monkeypatch.setattr("envlock.checking.verify", lambda *_, **__: LOADED)

    def say(*words: str, exit_code: int = 0) -> str:
        assert main([*words]) == exit_code
        printed = capsys.readouterr()
        return (printed.out + printed.err).replace(str(tmp_path), "HERE")

    return say


def test_the_report_ends_with_what_was_written(said: Callable[..., str]) -> None:
    assert said("stamp", "model.h5").endswith(
        "\n"
        "Stamped         HERE/model.h5.envlock.toml\n"
        "  holds         Python 3.8.18, 2 distributions, without hashes: no lock is beside it\n"
        "  next time     every command of envlock reads it first\n"
    )


def test_the_document_names_the_stamp(said: Callable[..., str]) -> None:
    document = json.loads(said("stamp", "model.h5", "--json"))

    assert (document["schema"], document["stamp"]) == ("envlock/stamp/1", "HERE/model.h5.envlock.toml")
    assert document["verification"]["loads"]


def test_a_model_that_does_not_load_is_not_stamped(said: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    failed = replace(LOADED, loads=False, error="ValueError: no")
    monkeypatch.setattr("envlock.checking.verify", lambda *_, **__: failed)

    printed = said("stamp", "model.h5", exit_code=1)

    assert printed.endswith("\nNot stamped     the model does not load there, or does not compute\n")
    assert not Path("model.h5.envlock.toml").exists()


def test_every_later_command_says_so(said: Callable[..., str]) -> None:
    said("stamp", "model.h5")
    day = json.loads(said("inspect", "model.h5", "--json"))["stamp"]["time"].partition("T")[0]
    told = f"seen to load with tensorflow-cpu 2.4.4 on Python 3.8.18 on {day}"

    printed = {name: " ".join(said(name, "model.h5").split()) for name in ("inspect", "explain", "diagnose")}
    locked = " ".join(said("from-model", "model.h5", "--lock-only").split())

    assert f"its stamp says: {told} [stamp]" in printed["inspect"]
    assert f"Its stamp says: {told} Written by:" in printed["explain"]
    assert f"tensorflow-cpu 2.4.4 on Python 3.8: as its stamp says, {told}" in printed["explain"]
    assert f"its stamp says: {told}" in printed["diagnose"]
    assert f"why as its stamp says, {told}; 2 of 42 distributions are those of it" in locked


def test_the_recorder_is_written_out_and_works_alone(said: Callable[..., str]) -> None:
    assert said("stamp", "--recorder", "recorder.py") == (
        "Written         recorder.py\n"
        "  beside        your training script; in it: import recorder\n"
        '                then recorder.stamp("model.h5") once the model is saved,\n'
        "                or recorder.StampCallback(checkpoint) behind the ModelCheckpoint among the callbacks\n"
    )
    runpy.run_path("recorder.py")["stamp"]("model.h5")
    assert "not loaded again" in said("inspect", "model.h5")
    assert json.loads(said("stamp", "--recorder", "recorder.py", "--json"))["recorder"] == "recorder.py"


def test_a_recorder_that_somebody_has_changed_stays(said: Callable[..., str]) -> None:
    said("stamp", "--recorder", "recorder.py")
    changed = Path("recorder.py").read_text() + "mine = True\n"
    Path("recorder.py").write_text(changed)

    assert "recorder.py: exists and was not written by envlock" in said(
        "stamp", "--recorder", "recorder.py", exit_code=2
    )
    assert Path("recorder.py").read_text() == changed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "a model or --recorder, one of them [usage]"),
        (["model.h5", "--recorder", "recorder.py"], "a model or --recorder, one of them [usage]"),
        (["--recorder", "mine.py"], "mine.py: exists and was not written by envlock, left untouched [occupied-path]"),
        (["model.h5", "--inside"], "--inside is for SavedModels and .keras archives, and model.h5 is none but keras"),
        (["model.h5", "--venv", "nowhere"], "nowhere: there is no such interpreter [usage]"),
    ],
)
def test_what_cannot_be_stamped_is_refused(words: list[str], message: str, said: Callable[..., str]) -> None:
    Path("mine.py").write_text("mine = True\n")

    assert said("stamp", *words, exit_code=2).startswith(f"envlock: {message}")


def test_a_stamp_of_another_model_is_said_and_ignored(said: Callable[..., str]) -> None:
    stamp("model.h5")
    shutil.copy(ASSETS / "example/model.h5", "model.h5")

    assert "model.h5.envlock.toml is the stamp of another model, or this one was changed" in said("inspect", "model.h5")
