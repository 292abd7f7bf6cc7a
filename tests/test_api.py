"""The library does what the commands do, and says nothing."""

from __future__ import annotations

import doctest
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

import envlock
from envlock.interpreters import Interpreter
from tests.diagnosis.environments import make_environment
from tests.stand_ins import pins_of
from tests.world import GOOD, World

ROOT = Path(__file__).parent.parent
ASSETS = Path(__file__).parent / "assets"


class _EmptyInstaller:
    """Makes an environment of nothing but names."""

    def make_empty_environment(self, job: Any) -> None:
        shutil.rmtree(job.site / "bin", ignore_errors=True)
        make_environment(job.site, tensorflow_cpu="2.4.4")

    def install(self, job: Any, reporter: Any) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_interpreter: Interpreter) -> Path:
    """A person's folder with a model, on a machine with Python 3.8, whose models all load."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ASSETS / "keras/tf-2.3-functional.h5", "model.h5")
    Path("page.h5").write_text("<!DOCTYPE html><html></html>")
    interpreter = replace(own_interpreter, line="3.8", version=Version("3.8.18"))
    monkeypatch.setattr("envlock.pipeline.job.find_interpreters", lambda: [interpreter])
    monkeypatch.setattr("envlock.environment.places.installer_for", lambda _: _EmptyInstaller())
    monkeypatch.setattr("envlock.recording.find_installed", dict)
    for module in ("pipeline.trial", "checking"):
        monkeypatch.setattr(f"envlock.{module}.verify", lambda *_, **__: GOOD)
    return tmp_path


def test_the_examples_of_the_documentation_are_true(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs/reference/library.md").read_text(encoding="utf-8")
    examples = "".join(re.findall(r"```pycon\n(.*?)```", page, flags=re.DOTALL))
    test = doctest.DocTestParser().get_doctest(examples, {}, "library.md", "library.md", 0)
    report: list[str] = []

    results = doctest.DocTestRunner().run(test, out=report.append)

    assert results.attempted > 10
    assert "".join(report) == ""
    assert capsys.readouterr() == ("", "")


def test_the_stamp_in_the_documentation_is_one_as_it_is_written(folder: Path) -> None:
    page = (ROOT / "docs/how-to/stamp.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    keys = [line.partition(" = ")[0] for line in shown.splitlines()[:-1]]

    written = envlock.stamp("model.h5", "made") if make_environment(folder / "made", tensorflow="2.4.4") else None

    assert written is not None
    assert [line.partition(" = ")[0] for line in written.read_text().splitlines()[1:][: len(keys)]] == keys


def test_importing_the_package_imports_what_is_asked_for_alone() -> None:
    script = "import sys, envlock; envlock.StampCallback; print([n for n in sys.modules if n.startswith('envlock.')])"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout == "['envlock.version', 'envlock.recording']\n"


@pytest.mark.parametrize("name", envlock.__all__)
def test_every_name_that_is_offered_is_there(name: str) -> None:
    assert getattr(envlock, name).__name__ == name
    assert name in dir(envlock)


def test_a_name_that_is_not_offered_is_missed() -> None:
    with pytest.raises(AttributeError, match="module 'envlock' has no attribute 'inspekt'"):
        envlock.inspekt  # type: ignore[attr-defined]  # noqa: B018


def test_a_lock_is_written_in_the_format_that_it_is_named_for(folder: Path) -> None:
    outcome = envlock.lock(folder / "model.h5", folder / "constraints.txt", prefer="saver")

    assert outcome.lock_path == folder / "constraints.txt"
    assert pins_of(folder / "constraints.txt")["tensorflow-cpu"] == "2.4.4"


def test_create_makes_what_the_command_makes(folder: Path) -> None:
    outcome = envlock.create("model.h5")

    assert sorted(path.name for path in folder.iterdir()) == [
        ".venv",
        "load_model.py",
        "model.h5",
        "page.h5",
        "requirements.txt",
    ]
    assert outcome.verification == GOOD


def test_create_takes_the_persons_code(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.folder)

    envlock.create("model.h5", "env", output=None, code="code", python="3.10", engine="offline", fetch=False)

    ((_, how),) = [(None, how) for how in world.asked]
    assert (how["code"], how["custom_objects"]) == (Path("code"), ["Scale"])


def test_a_model_that_does_not_load_is_not_stamped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = replace(GOOD, loads=False, error="ValueError: no")
    monkeypatch.setattr("envlock.checking.verify", lambda *_, **__: failed)
    make_environment(folder / "env", tensorflow="2.4.4")

    assert not envlock.verify("model.h5", "env").is_proven
    with pytest.raises(envlock.NotVerifiedError) as caught:
        envlock.stamp("model.h5", "env")

    assert str(caught.value) == "model.h5: is not stamped, since it does not load there: ValueError: no"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: envlock.lock("model.h5", platform="amiga"), "'amiga' is no platform"),
        (lambda: envlock.lock("model.h5", tensorflow="two"), "tensorflow 'two' is not a version"),
        (lambda: envlock.lock("model.h5", engine="guess"), "'guess' is no engine"),
        (lambda: envlock.lock("model.h5", device="gpu"), "'gpu' is no device"),
        (lambda: envlock.lock("model.h5", prefer="old"), "'old' is no preference"),
        (lambda: envlock.lock("model.h5", besides="numpy"), "besides is one text, 'numpy'"),
        (lambda: envlock.lock("model.h5", builder="make"), "--builder make is looked for in your code"),
        (lambda: envlock.lock("model.h5", code="page.h5"), "--code page.h5: not a folder"),
        (lambda: envlock.stamp("model.h5", inside=True), "inside is for a model that is loaded again"),
        (lambda: envlock.stamp("nothing.h5"), "nothing.h5: there is no model"),
        (lambda: (Path("model.h5.envlock.toml").mkdir(), envlock.stamp("model.h5")), "was not written by envlock"),
        (lambda: envlock.diagnose(), "nothing to diagnose"),
    ],
)
def test_what_cannot_be_done_is_an_error_of_envlock(call: Any, message: str, folder: Path) -> None:
    with pytest.raises(envlock.EnvlockError) as caught:
        call()

    assert message in str(caught.value)
