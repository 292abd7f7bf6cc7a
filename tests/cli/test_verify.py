"""``envlock verify`` as a person and as a script see it, and what it asks the environment."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envlock.cli import main
from envlock.isolation.choice import Isolation
from envlock.verification import Attempt, Output, Verification
from tests.diagnosis.environments import make_environment
from tests.world import GOOD

ASSETS = Path(__file__).parents[1] / "assets"
ISOLATION = Isolation(level="bubblewrap", guarantees=frozenset({"hidden-files", "read-only", "no-network"}))
LOADED = replace(
    GOOD,
    lines=("model = tf.keras.models.load_model(path)",),
    imports=("import tensorflow as tf",),
    imported=(),
    versions={"python": "3.8.18", "tensorflow": "2.4.4"},
    outputs=(
        Output(name="", dtype="float32", shape=(1, 2), finite=True),
        Output(name="score", dtype="float32", shape=(1,), finite=True, declared=(None, 3), fits=False),
    ),
    isolation=ISOLATION,
)
FAILED = replace(
    LOADED,
    loads=False,
    error="ValueError: no such layer\nin detail",
    outputs=(),
    attempts=(
        Attempt(how="load_model(path)", error="ValueError: no such layer\nin detail"),
        Attempt(how="tf.saved_model.load(path)", error="OSError: no\x1b file"),
    ),
)


class There:
    """What becomes of loading a model in the environment, and how it was to be loaded."""

    def __init__(self) -> None:
        self.answer: Verification = LOADED
        self.asked: list[tuple[Path, Path, dict[str, Any]]] = []

    def verify(self, python: Path, artifact: Path, **how: Any) -> Verification:
        self.asked.append((python, artifact, how))
        return self.answer


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> There:
    """A folder with a model, and an environment of TensorFlow 2.4."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ASSETS / "keras/tf-2.3-functional.h5", "model.h5")
    make_environment(tmp_path / ".venv", tensorflow_cpu="2.4.4", numpy="1.19.5")
    world = There()
    monkeypatch.setattr("envlock.checking.verify", world.verify)
    return world


@pytest.fixture
def said(there: There, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    """What the command prints."""

    def say(*words: str, exit_code: int = 0) -> str:
        assert main(["verify", *words]) == exit_code
        printed = capsys.readouterr()
        return (printed.out + printed.err).replace(str(tmp_path), "HERE")

    return say


def test_the_report_says_what_happened_and_how_to_do_it_again(said: Callable[..., str]) -> None:
    assert said("model.h5") == (
        "The model       model.h5: Keras HDF5, model, 23.7 kB\n"
        "  saved by      tf.keras 2.3 or 2.4\n"
        "\n"
        "Environment     HERE/.venv/bin/python\n"
        "  has           python 3.8.18, tensorflow 2.4.4\n"
        "  verified      the model loads and computes finite numbers, seen in 1.5 s, isolated by bubblewrap\n"
        "  output        float32 (1, 2)\n"
        "                score float32 (1), though the model announces (any, 3)\n"
        "  in vain       load(): OSError: no\n"
        "\n"
        "Use it          HERE/.venv/bin/python\n"
        "                >>> import tensorflow as tf\n"
        "                >>> path = 'model.h5'\n"
        "                >>> model = tf.keras.models.load_model(path)\n"
    )


def test_a_failure_is_told_with_what_finds_out_why(there: There, said: Callable[..., str]) -> None:
    there.answer = FAILED

    assert said("model.h5", "--venv", ".venv/bin/python", exit_code=1) == (
        "The model       model.h5: Keras HDF5, model, 23.7 kB\n"
        "  saved by      tf.keras 2.3 or 2.4\n"
        "\n"
        "Environment     HERE/.venv/bin/python\n"
        "  has           python 3.8.18, tensorflow 2.4.4\n"
        "  FAILS         the model does not load: ValueError: no such layer, seen in 1.5 s, isolated by bubblewrap\n"
        "  in vain       tf.saved_model.load(path): OSError: no\\x1b file\n"
        "\n"
        "Find out why    envlock diagnose model.h5 --python HERE/.venv/bin/python --run\n"
    )


def test_the_document_tells_the_same(said: Callable[..., str]) -> None:
    assert json.loads(said("model.h5", "--json")) == {
        "schema": "envlock/verify/1",
        "artifact": {"path": "model.h5", "format": "keras-hdf5", "content": "model", "bytes": 23728},
        "environment": {
            "python": "3.8.18",
            "executable": "HERE/.venv/bin/python",
            "distributions": {"numpy": "1.19.5", "tensorflow-cpu": "2.4.4"},
        },
        "verification": {
            "loads": True,
            "predicts": True,
            "loader": "tf.keras",
            "how": "tf.keras.models.load_model(path)",
            "environment": {},
            "left_over": [],
            "error": None,
            "isolation": {
                "level": "bubblewrap",
                "guarantees": ["hidden-files", "no-network", "read-only"],
                "passed_over": {},
            },
            "attempts": [{"how": "load()", "error": "OSError: no"}],
            "code_errors": [],
            "outputs": [
                {"name": "", "dtype": "float32", "shape": [1, 2], "is_finite": True, "fits": True},
                {"name": "score", "dtype": "float32", "shape": [1], "is_finite": True, "fits": False},
            ],
            "versions": {"python": "3.8.18", "tensorflow": "2.4.4"},
        },
        "findings": [],
        "seconds": 1.5,
    }


@pytest.mark.parametrize(
    ("predicts", "exit_code"), [(True, 0), (None, 0), (False, 1)], ids=["computes", "not called", "fails"]
)
def test_the_exit_code_tells_whether_it_loads_and_computes(
    predicts: bool | None, exit_code: int, there: There, said: Callable[..., str]
) -> None:
    there.answer = replace(LOADED, predicts=predicts, error="ValueError: no")

    said("model.h5", exit_code=exit_code)


@pytest.mark.parametrize(
    ("installed", "loaders", "variables"),
    [
        ({"tensorflow": "2.4.4", "Keras": "2.4.3"}, ("tf.keras",), {}),
        ({"tensorflow": "2.18.0", "keras": "3.6.0"}, ("keras",), {}),
        ({"tensorflow": "2.18.0", "keras": "3.6.0", "tf_keras": "2.18.0"}, ("tf-keras",), {"TF_USE_LEGACY_KERAS": "1"}),
    ],
)
def test_what_is_installed_tells_how_it_is_loaded(
    installed: dict[str, str],
    loaders: tuple[str, ...],
    variables: dict[str, str],
    there: There,
    said: Callable[..., str],
    tmp_path: Path,
) -> None:
    make_environment(tmp_path / "other", **installed)

    said("model.h5", "--venv", "other")

    ((python, artifact, how),) = there.asked
    assert (python, artifact) == (tmp_path / "other/bin/python", Path("model.h5"))
    assert (how["loaders"], how["environment"]) == (loaders, variables)


def test_what_the_shell_adds_to_every_python_is_no_part_of_the_environment(
    there: There, said: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine/keras-3.6.0.dist-info").mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "mine"))

    document = json.loads(said("model.h5", "--json"))

    ((_, _, how),) = there.asked
    assert (how["environment"], list(document["environment"]["distributions"])) == ({}, ["numpy", "tensorflow-cpu"])


def test_what_registers_the_layers_is_imported_where_it_is_there(
    there: There, said: Callable[..., str], tmp_path: Path
) -> None:
    shutil.copytree(ASSETS / "custom_layer", tmp_path / "custom")

    said("custom/model.h5", "--code", "custom/code")

    ((_, _, how),) = there.asked
    assert (how["custom_objects"], how["code"], how["modules"]) == (["Scale"], Path("custom/code"), ())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model.h5", "--venv", "nowhere"], "nowhere: there is no such interpreter [usage]"),
        (["model.h5", "--venv", "empty"], "HERE/empty/bin/python: nothing is installed there that could load model.h5"),
        (["nothing.h5"], "nothing.h5: no such file or directory [missing-artifact]"),
        (["weights.h5"], "weights.h5: the file holds weights alone: pass your code that builds the model with --code"),
        (["custom.h5"], "custom.h5: the model needs your definitions of Scale: pass their folder with --code DIR"),
        (["lambda.h5"], "lambda.h5: the artifact holds code, which loading would run: pass --trust if you trust"),
        (["model.h5", "--code", "nowhere"], "--code nowhere: not a folder"),
        (["model.h5", "--builder", "build"], "--builder build is looked for in your code"),
    ],
)
def test_what_cannot_be_tried_is_refused_before_it_is(
    words: list[str], message: str, there: There, said: Callable[..., str], tmp_path: Path
) -> None:
    make_environment(tmp_path / "empty", numpy="1.19.5")
    shutil.copy(ASSETS / "keras/tf-2.3-weights.h5", "weights.h5")
    shutil.copy(ASSETS / "custom_layer/model.h5", "custom.h5")
    shutil.copy(ASSETS / "lambda_layer/model.h5", "lambda.h5")

    printed = said(*words, exit_code=1 if "empty" in words else 2)

    assert printed.startswith(f"envlock: {message}")
    assert there.asked == []


def test_code_in_the_model_runs_where_it_is_trusted(there: There, said: Callable[..., str]) -> None:
    shutil.copy(ASSETS / "lambda_layer/model.h5", "lambda.h5")

    said("lambda.h5", "--trust")

    ((_, _, how),) = there.asked
    assert how["trust"] is True
