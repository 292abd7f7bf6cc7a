"""The main job on real models of real savers: an environment is made, and the model loads and computes in it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envlock.cli import main
from envlock.interpreters import SEARCH_VARIABLE, Interpreter
from envlock.isolation import LEVELS

pytestmark = [pytest.mark.online, pytest.mark.environments]

ASSETS = Path(__file__).parent / "assets"
RequireInterpreter = Callable[[str], Interpreter]


@pytest.fixture
def from_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Runs ``envlock from-model --json`` in an empty folder; gives its exit code and document."""
    monkeypatch.chdir(tmp_path)

    def run(artifact: str, *options: str) -> tuple[int, dict[str, Any]]:
        exit_code = main(["from-model", str(ASSETS / artifact), "--json", *options])
        return exit_code, json.loads(capsys.readouterr().out)

    return run


@pytest.mark.parametrize(
    ("artifact", "python", "requirements", "how"),
    [
        pytest.param(
            "keras/tf-1.15-sequential.h5", "3.7", ["tensorflow==1.15.5"], "tf.keras.models.load_model(path)", id="1.15"
        ),
        pytest.param(
            "keras/keras-2.2.4-functional.h5",
            "3.7",
            ["tensorflow==1.15.5", "keras==2.2.5"],
            "keras.models.load_model(path)",
            id="standalone Keras 2.2.4",
        ),
        pytest.param(
            "keras/tf-2.13-sequential.keras",
            "3.11",
            ["tensorflow-cpu==2.13.1"],
            "tf.keras.models.load_model(path)",
            id="archive of 2.13",
        ),
        pytest.param(
            "keras/tf-2.21-functional.keras",
            "3.13",
            ["tensorflow-cpu==2.21.0", "keras==3.15.1"],
            "keras.models.load_model(path)",
            id="archive of Keras 3",
        ),
        pytest.param(
            "saved_model/2.6",
            "3.9",
            ["tensorflow-cpu==2.6.5"],
            "tf.keras.models.load_model(path)",
            id="SavedModel of 2.6",
        ),
    ],
)
def test_a_model_loads_in_the_environment_made_for_it(
    artifact: str,
    python: str,
    requirements: list[str],
    how: str,
    from_model: Callable[..., tuple[int, dict[str, Any]]],
    require_interpreter: RequireInterpreter,
) -> None:
    require_interpreter(python)

    exit_code, document = from_model(artifact)

    assert document["candidate"]["requirements"] == requirements
    assert document["candidate"]["python"] == python
    assert document["attempts"] == []
    verification = document["verification"]
    # How well it was isolated is up to the machine.
    assert verification.pop("isolation")["level"] in [level.name for level in LEVELS]
    assert verification == {
        "loads": True,
        "predicts": True,
        "loader": document["candidate"]["implementation"],
        "how": how,
        "environment": {},
        "error": None,
        "left_over": [],
    }
    assert exit_code == 0


def test_a_machine_with_one_python_gets_the_best_loader_for_it(
    from_model: Callable[..., tuple[int, dict[str, Any]]],
    require_interpreter: RequireInterpreter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(SEARCH_VARIABLE, str(require_interpreter("3.12").executable))

    exit_code, document = from_model("example/model.h5")

    assert document["candidate"]["requirements"] == ["tensorflow==2.16.2", "tf-keras==2.16.0"]
    assert document["passed_over"][0] == {
        "candidate": {
            "tensorflow": "2.4.4",
            "distribution": "tensorflow-cpu",
            "python": "3.8",
            "implementation": "tf.keras",
            "line": "2.4",
            "requirements": ["tensorflow-cpu==2.4.4"],
            "platform": "linux_x86_64",
            "needs": [],
            "verdict": "loads",
            "is_saver": True,
            "is_stamped": False,
        },
        "command": "uv python install 3.8",
    }
    assert (document["verification"]["loads"], document["verification"]["predicts"]) == (True, True)
    assert exit_code == 0


def test_a_model_of_custom_layers_waits_for_their_code_and_loads_with_it(
    from_model: Callable[..., tuple[int, dict[str, Any]]], require_interpreter: RequireInterpreter
) -> None:
    require_interpreter("3.11")

    exit_code, document = from_model("custom_layer/model.h5")
    assert document["unverified"] == "the model needs your definitions of Scale: pass their folder with --code DIR"
    assert (exit_code, document["verification"]) == (1, None)

    exit_code, document = from_model("custom_layer/model.h5", "--code", str(ASSETS / "custom_layer" / "code"))
    assert document["verification"]["how"] == "tf.keras.models.load_model(path, custom_objects=custom_objects)"
    assert (exit_code, document["verification"]["predicts"]) == (0, True)


@pytest.mark.parametrize(
    ("artifact", "python"),
    [
        ("lambda_layer/model.h5", "3.11"),
        # Its environment is made by other tools: uv serves no Python as old as that.
        ("lambda_layer/python_2_model.h5", "2.7"),
    ],
)
def test_marshalled_code_runs_only_for_those_who_trust_it_and_on_the_python_that_wrote_it(
    artifact: str,
    python: str,
    from_model: Callable[..., tuple[int, dict[str, Any]]],
    require_interpreter: RequireInterpreter,
) -> None:
    require_interpreter(python)

    exit_code, document = from_model(artifact)
    assert document["candidate"]["python"] == python
    assert document["unverified"] == (
        "the artifact holds code, which loading would run: pass --trust if you trust where it comes from"
    )
    assert (exit_code, document["verification"]) == (1, None)

    exit_code, document = from_model(artifact, "--trust")
    assert (exit_code, document["verification"]["predicts"]) == (0, True)


@pytest.mark.parametrize(
    ("artifact", "python", "arguments"),
    [
        ("lambda_layer/looked_up.h5", "3.8", "custom_objects=custom_objects"),
        # Keras passes custom objects on to no function that a .keras archive holds.
        ("lambda_layer/looked_up.keras", "3.11", "custom_objects=custom_objects, safe_mode=False"),
    ],
)
def test_what_marshalled_code_looks_up_is_made_known_to_it(
    artifact: str,
    python: str,
    arguments: str,
    from_model: Callable[..., tuple[int, dict[str, Any]]],
    require_interpreter: RequireInterpreter,
) -> None:
    require_interpreter(python)

    exit_code, document = from_model(artifact, "--trust")
    assert document["unverified"] == (
        "the model needs your definitions of FACTOR, double: pass their folder with --code DIR"
    )
    assert exit_code == 1

    exit_code, document = from_model(artifact, "--trust", "--code", str(ASSETS / "lambda_layer" / "code"))
    assert document["candidate"]["python"] == python
    assert document["verification"]["how"] == f"tf.keras.models.load_model(path, {arguments})"
    assert (exit_code, document["verification"]["predicts"]) == (0, True)
    script = Path("load_model.py").read_text(encoding="utf-8")
    assert [line.strip() for line in script.splitlines() if "builtins" in line] == [
        "import builtins",
        "builtins.FACTOR = custom_objects['FACTOR']",
        "builtins.K = tf.keras.backend",
        "builtins.double = custom_objects['double']",
        "builtins.tf = tf",
    ]


def test_a_model_that_calls_python_code_which_it_does_not_hold_loads_and_cannot_be_called(
    from_model: Callable[..., tuple[int, dict[str, Any]]], require_interpreter: RequireInterpreter
) -> None:
    require_interpreter("3.7")

    exit_code, document = from_model("saved_model/1.15", "--trust")

    assert document["candidate"]["requirements"] == ["tensorflow==1.15.5"]
    assert (document["verification"]["loads"], document["verification"]["predicts"]) == (True, False)
    assert "pyfunc" in document["verification"]["error"]
    assert document["attempts"][0]["stage"] == "verification"
    assert exit_code == 1


def test_a_second_run_takes_the_environment_that_is_there(
    from_model: Callable[..., tuple[int, dict[str, Any]]], require_interpreter: RequireInterpreter
) -> None:
    require_interpreter("3.11")
    from_model("custom_layer/model.h5", "--no-verify")
    marker = Path(".venv/envlock.json")
    made = marker.stat().st_mtime_ns

    exit_code, _ = from_model("custom_layer/model.h5", "--no-verify")

    assert exit_code == 0
    assert marker.stat().st_mtime_ns == made


def test_a_lock_alone_needs_no_interpreter(
    from_model: Callable[..., tuple[int, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(SEARCH_VARIABLE, os.devnull)

    exit_code, document = from_model("custom_layer/model.h5", "--lock-only", "-o", "locked.txt")

    assert (exit_code, document["lock"], document["venv"]) == (0, "locked.txt", None)
    assert "tensorflow-cpu==2.15.1" in (tmp_path / "locked.txt").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["locked.txt"]
