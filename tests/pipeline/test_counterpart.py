"""The numbers of another environment are compared with those of the one that was made."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envlock.cli import main
from envlock.isolation.choice import UnstartablePythonError
from envlock.verification import Input, Output, Recipe, Verification
from tests.diagnosis.environments import make_environment
from tests.world import GOOD, World

Captured = pytest.CaptureFixture[str]
Install = Callable[..., Path]

RECIPE = Recipe(batch=1, size=8, numbers="varied", text="plain", features={}, sizes=(None,))
INPUTS = (Input(dtype="float32", shape=(1, 3), digest="aa"),)


def gives(*outputs: tuple[str, float]) -> Verification:
    """A verification that called the model and got one number in each output."""
    described = [
        Output(name=name, dtype="float32", shape=(1,), finite=True, values=(value,)) for name, value in outputs
    ]
    return replace(GOOD, recipe=RECIPE, inputs=INPUTS, outputs=tuple(described))


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Makes the folder of another environment, in which some distributions are installed."""

    def make(*distributions: str) -> Path:
        versions = dict(distribution.split("==") for distribution in distributions)
        return make_environment(tmp_path / "other", python="3.9.1", **versions)

    return make


@pytest.fixture
def from_model(world: World, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Callable[..., tuple[int, Any]]:
    """Runs the command in the person's folder; gives its exit code and what it says of the other environment."""
    monkeypatch.chdir(world.folder)

    def run(*options: str) -> tuple[int, Any]:
        words = ["from-model", "model.h5", "--code", "code", "--python-version", "3.10", "--json", *options]
        exit_code = main(words)
        return exit_code, json.loads(capsys.readouterr().out)["against"]

    return run


def test_numbers_that_agree_are_told_with_how_far_they_are_apart(
    world: World, install: Install, from_model: Callable[..., tuple[int, Any]]
) -> None:
    world.answers.append(gives(("a", 2.0), ("b", 4.0)))
    world.there = gives(("b", 4.0), ("a", 2.00006103515625))
    other = install("tensorflow_cpu==2.15.1", "keras==2.15.0")

    exit_code, document = from_model("--against", str(other))

    assert exit_code == 0
    assert document.pop("verification")["loads"]
    assert document == {
        "python": str(other / "bin" / "python"),
        "distributions": {"keras": "2.15.0", "tensorflow-cpu": "2.15.1"},
        "agrees": True,
        "obstacle": None,
        "outputs": [
            {"name": "a", "agrees": True, "absolute": 2**-14, "relative": 2**-14 / (2 + 2**-14)},
            {"name": "b", "agrees": True, "absolute": 0.0, "relative": 0.0},
        ],
    }


def test_the_model_is_loaded_there_as_here_on_the_same_inputs(
    world: World, install: Install, from_model: Callable[..., tuple[int, Any]]
) -> None:
    world.answers.append(gives(("", 1.0)))
    other = install("tensorflow==2.15.1")

    from_model("--against", str(other / "bin" / "python"))

    ((python, how),) = world.asked_there
    assert python == other / "bin" / "python"
    assert {name: how[name] for name in ("recipe", "code", "trust", "custom_objects", "loaders", "environment")} == {
        "recipe": RECIPE,
        "code": Path("code"),
        "trust": False,
        "custom_objects": ["Scale"],
        "loaders": ("tf.keras",),
        "environment": {},
    }


@pytest.mark.parametrize(
    ("distributions", "loaders", "variables"),
    [
        (["tensorflow_gpu==1.15.5", "Keras==2.2.4"], ("tf.keras", "keras"), {}),
        (["tensorflow==2.21.0", "keras==3.12.0"], ("keras",), {}),
        (["tensorflow==2.21.0", "keras==3.12.0", "tf_keras==2.21.0"], ("tf-keras",), {"TF_USE_LEGACY_KERAS": "1"}),
    ],
)
def test_what_is_installed_there_tells_how_the_model_is_loaded(
    distributions: list[str],
    loaders: tuple[str, ...],
    variables: dict[str, str],
    world: World,
    install: Install,
    from_model: Callable[..., tuple[int, Any]],
) -> None:
    from_model("--against", str(install(*distributions)))

    assert [(how["loaders"], how["environment"]) for _, how in world.asked_there] == [(loaders, variables)]


def test_a_second_run_loads_the_model_there_alone(
    world: World, install: Install, from_model: Callable[..., tuple[int, Any]]
) -> None:
    world.answers.append(gives(("", 1.0)))
    world.there = gives(("", 1.0))
    from_model()

    exit_code, document = from_model("--against", str(install("tensorflow==2.15.1")))

    assert (exit_code, document["agrees"], world.times, len(world.asked_there)) == (0, True, 1, 1)


@pytest.mark.parametrize(
    ("there", "obstacle", "outputs"),
    [
        pytest.param(gives(("", 1.5)), None, [(False, 0.5)], id="other numbers"),
        pytest.param(gives(("", float("nan"))), None, [(False, None)], id="no number"),
        pytest.param(
            replace(GOOD, loads=False, predicts=None, error="ValueError: Unknown layer: Scale\nmore"),
            "the model does not load there: ValueError: Unknown layer: Scale",
            [],
            id="does not load",
        ),
    ],
)
def test_what_does_not_agree_is_a_no(
    there: Verification,
    obstacle: str | None,
    outputs: list[tuple[bool, float | None]],
    world: World,
    install: Install,
    from_model: Callable[..., tuple[int, Any]],
) -> None:
    world.answers.append(gives(("", 1.0)))
    world.there = there

    exit_code, document = from_model("--against", str(install("tensorflow==2.15.1")))

    assert exit_code == 1
    assert document["obstacle"] == obstacle
    assert [(item["agrees"], item["absolute"]) for item in document["outputs"]] == outputs


def test_an_environment_without_a_loader_is_not_asked(
    world: World, install: Install, from_model: Callable[..., tuple[int, Any]]
) -> None:
    exit_code, document = from_model("--against", str(install("numpy==1.26.4")))

    assert (exit_code, document["verification"], world.asked_there) == (1, None, [])
    assert document["obstacle"] == "nothing is installed there that could load the model"


def test_a_python_that_does_not_start_costs_nothing_but_the_comparison(
    world: World,
    install: Install,
    from_model: Callable[..., tuple[int, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def verify(python: Path, *_: object, **__: object) -> Verification:
        raise UnstartablePythonError(str(python), "exec format error")

    monkeypatch.setattr("envlock.pipeline.counterpart.verify", verify)
    other = install("tensorflow==2.15.1")

    exit_code, document = from_model("--against", str(other))

    assert (exit_code, document["obstacle"]) == (1, f"{other}/bin/python cannot be started: exec format error")
    assert (world.folder / "requirements.txt").exists()
    assert world.packages.exists()


def test_the_environment_that_is_made_is_no_other_one(world: World, capsys: Captured) -> None:
    world.run()

    assert main(["from-model", str(world.request.artifact), "--venv", str(world.folder / ".venv"), "-o",
                 str(world.folder / "requirements.txt"), "--against", str(world.folder / ".venv")]) == 2  # fmt: skip

    place = world.folder / ".venv"
    assert capsys.readouterr().err == (
        f"envlock: --against {place}: is the environment that is made [usage]\n  name another environment\n"
    )


@pytest.mark.parametrize(
    ("there", "rows"),
    [
        pytest.param(
            gives(("a", 1.0), ("b", 5.0)),
            [
                "output b differs: the largest difference is 1 (0.2 of the largest number in it)",
                "1 of 2 outputs agree: the largest difference is 0 (0 of the largest number in it)",
            ],
            id="one differs",
        ),
        pytest.param(
            replace(GOOD, predicts=False, error="ValueError: no"),
            ["nothing to compare: the model was not called there: ValueError: no"],
            id="not called",
        ),
    ],
)
def test_the_report_tells_what_differs_there(
    there: Verification,
    rows: list[str],
    world: World,
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    monkeypatch.chdir(world.folder)
    world.answers.append(gives(("a", 1.0), ("b", 4.0)))
    world.there = there
    other = install("tensorflow==2.15.1")

    main(["from-model", "model.h5", "--code", "code", "--python-version", "3.10", "--against", str(other)])

    first = f"  compared      with {other}/bin/python: tf.keras.models.load_model(path)"
    told = "\n".join([first, *(f"{'':16}{row}" for row in rows)])
    assert f"\n{told}\n" in capsys.readouterr().out
