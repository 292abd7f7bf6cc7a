"""Weights alone: what in the person's code builds their model is found, named, and used to load them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envlock.cli import main
from envlock.cli.rendering import render_outcome
from envlock.errors import NoCandidateError, UsageError
from envlock.own_code.builder import find_builder
from tests.world import GOOD, World

ASSETS = Path(__file__).parent.parent / "assets"
WEIGHTS = ASSETS / "keras" / "tf-2.3-weights.h5"
Captured = pytest.CaptureFixture[str]

NETS = """
import functools
from keras import Model
from helpers import make

def build_model():
    def build_inner(): pass

def build_with(units, size=3, *, depth): pass

class Net:
    def __init__(self, units): pass

class Other(Model): pass
small = functools.partial(build_with, 3)
if small:
    def build_variant(): pass
"""


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of source, below the current one."""
    monkeypatch.chdir(tmp_path)
    folder = Path("code")
    (folder / "parts").mkdir(parents=True)
    (folder / "nets.py").write_text(NETS)
    (folder / "parts" / "__init__.py").write_text("from nets import *\n")
    return folder


# --- finding it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "name", "file", "line", "module"),
    [
        ("build_model", "build_model", "nets.py", 6, "nets"),
        ("Other", "Other", "nets.py", 14, "nets"),
        ("build_variant", "build_variant", "nets.py", 17, "nets"),
        ("nets:build_model", "build_model", "nets.py", 6, "nets"),
        ("nets:small", "small", "nets.py", 15, "nets"),
        ("nets:make", "make", "nets.py", 4, "nets"),
        ("parts:whatever", "whatever", "parts/__init__.py", 1, "parts"),
    ],
)
def test_a_name_is_found_with_its_place(wanted: str, name: str, file: str, line: int, module: str, code: Path) -> None:
    found = find_builder(code, wanted)

    assert (found.name, found.file, found.line, found.module) == (name, code / file, line, module)


ABSENT = "code: no Python file defines {} at its top level"
REFUSED = {
    "build_modle": (ABSENT, "did you mean build_model (code/nets.py, line 6)?"),
    "build_inner": (ABSENT, "did you mean build_with (code/nets.py, line 9) or build_model (code/nets.py, line 6)?"),
    "xyz": (ABSENT, "name what the code assigns or imports as MODULE:NAME"),
    "build with": ("'{}' names no function or class", "name it as build_model, or nets.small:build_model"),
    "build_with": (
        "code/nets.py, line 9: {} is called without arguments, and takes units, depth",
        "name a function without parameters that returns the model",
    ),
    "nets:Net": (
        "code/nets.py, line 11: Net is called without arguments, and takes units",
        "name a function without parameters that returns the model",
    ),
    "net:build_model": ("code: there is no module net", "did you mean nets (code/nets.py, line 1)?"),
    "a.b:build_model": ("code: there is no module a.b", "name it from that folder on, such as package.module"),
    "nets:smal": ("code/nets.py: the module defines no smal", "did you mean small (code/nets.py, line 15)?"),
}


@pytest.mark.parametrize("wanted", REFUSED)
def test_a_name_that_builds_nothing_is_refused_with_what_is_like_it(wanted: str, code: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_builder(code, wanted)

    message, hint = REFUSED[wanted]
    assert (str(caught.value), caught.value.hint) == (message.format(wanted), hint)


# --- using it ------------------------------------------------------------------------------------------------


@pytest.fixture
def building(world: World) -> World:
    """The world with weights of TensorFlow 2.3 in the place of the model, and code that builds theirs."""
    shutil.copy(WEIGHTS, world.request.artifact)
    (world.folder / "code" / "nets.py").write_text("import scipy\n\ndef build_model(): pass\n")
    world.request = replace(world.request, builder="build_model")
    return world


def test_weights_are_verified_in_what_the_code_builds_and_its_imports_are_locked(building: World) -> None:
    outcome = building.run()

    (how,) = building.asked
    assert (how["builder"], how["loaders"], outcome.unverified) == ("build_model", ("tf.keras",), None)
    assert outcome.added == {"scipy"}
    report = render_outcome(outcome)
    assert f"\n  built by      build_model ({building.folder}/code/nets.py, line 3)\n" in report
    assert "weights-only" not in report


def test_another_builder_is_another_question(building: World) -> None:
    building.run()
    assert building.run().is_recalled

    assert not building.run(builder="nets:build_model").is_recalled


def test_weights_that_nothing_builds_the_model_for_are_not_verified(building: World) -> None:
    outcome = building.run(builder="")

    assert building.asked == []
    assert outcome.unverified == (
        "the file holds weights alone: pass your code that builds the model with --code DIR --builder NAME"
    )


@pytest.mark.parametrize(
    ("error", "times", "told"),
    [
        pytest.param(
            "ValueError: shapes",
            2,
            "no environment that was tried serves: {} and 1 more: verification failed: ValueError: shapes",
            id="what another release may cure",
        ),
        pytest.param(
            "MisfitError: the weights are of another model than build_model builds: they have no array for a (3, 5)",
            1,
            "the weights are of another model than build_model builds: they have no array for a (3, 5)",
            id="what none cures",
        ),
    ],
)
def test_weights_that_do_not_fit_blame_what_builds_the_model(
    error: str, times: int, told: str, building: World
) -> None:
    building.answers.extend([replace(GOOD, loads=False, predicts=None, error=error)] * 9)

    with pytest.raises(NoCandidateError) as caught:
        building.run()

    assert building.times == times
    assert str(caught.value) == told.format(caught.value.attempts[0].candidate.name)
    assert caught.value.hint == "make sure that build_model builds the model as it was when these weights were saved"


@pytest.mark.parametrize(
    ("checkpoint", "tensorflow"),
    [("2.3", "2.15.1"), ("2.10", "2.15.1"), ("2.15", "2.15.1"), ("2.16", "2.21.0"), ("1.15", "1.15.5")],
)
def test_a_checkpoint_goes_to_the_keras_that_named_its_objects(
    checkpoint: str, tensorflow: str, code: Path, capsys: Captured
) -> None:
    options = ["--lock-only", "--engine", "offline", "--json", "--code", str(code), "--builder", "build_model"]

    assert main(["from-model", str(ASSETS / "checkpoints" / checkpoint), *options]) == 0

    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["candidate"]["tensorflow"] == tensorflow
    assert document["code"]["builder"] == {
        "name": "build_model",
        "file": "code/nets.py",
        "line": 6,
        "module": "nets",
    }


def test_keras_puts_the_variables_of_a_checkpoint_into_the_model(building: World) -> None:
    shutil.copytree(ASSETS / "checkpoints" / "2.10", building.folder / "saved")

    building.run(artifact=building.folder / "saved")

    assert building.asked[0]["loaders"] == ("tf.keras",)
