"""``envlock diagnose`` as a person and as a script see it."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envlock.cli import main
from tests.diagnosis.environments import make_environment

MODEL = Path(__file__).parents[1] / "assets/keras/tf-2.21-functional.keras"

Said = Callable[..., str]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Said:
    """What the command prints in a folder with a model, and an environment of TensorFlow 2.4."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.keras").write_bytes(MODEL.read_bytes())
    make_environment(tmp_path / "env", tensorflow_cpu="2.4.4", numpy="1.19.5", h5py="2.10.0")

    def say(*arguments: str, exit_code: int = 1) -> str:
        assert main(["diagnose", *arguments]) == exit_code
        return capsys.readouterr().out.replace(str(tmp_path), "HERE")

    return say


TEXT = """\
The model       model.keras: Keras archive, model, 35.2 kB
                saved by keras 3.15
Environment     HERE/env/bin/python
                Python 3.8.18 with tensorflow-cpu 2.4.4, numpy 1.19.5, h5py
                2.10.0

1. an artifact that is not for tf.keras 2.4 (predicted) [archive-layout]
   REASON
   - the artifact records keras version 3.15.1 (keras_version of metadata.json)
   - tensorflow-cpu 2.4.4 is installed
   Fix: make an environment in which the model loads, and leave this one as it
        is
        envlock from-model model.keras
"""


def test_the_text_tells_what_was_looked_at_the_causes_and_the_commands(said: Said) -> None:
    printed = said("model.keras", "--venv", "env")

    # The reasons are those of `explain`.
    assert re.sub(r"(?<=layout\]\n)( {3}\w.*\n)+", "   REASON\n", printed) == TEXT


def test_the_document_tells_the_same(said: Said) -> None:
    found = json.loads(said("model.keras", "--python", "env/bin/python", "--json"))

    assert found["findings"][0].pop("cause").startswith("Archives of Keras 3")
    assert found == {
        "schema": "envlock/diagnose/1",
        "artifact": {"path": "model.keras", "format": "keras-archive", "content": "model"},
        "network": None,
        "environment": {
            "python": "3.8.18",
            "executable": "HERE/env/bin/python",
            "distributions": {"h5py": "2.10.0", "numpy": "1.19.5", "tensorflow-cpu": "2.4.4"},
        },
        "traceback": None,
        "findings": [
            {
                "reference": "archive-layout",
                "title": "an artifact that is not for tf.keras 2.4",
                "likelihood": "predicted",
                "evidence": [
                    "the artifact records keras version 3.15.1 (keras_version of metadata.json)",
                    "tensorflow-cpu 2.4.4 is installed",
                ],
                "sources": [],
                "fixes": [
                    {
                        "kind": "environment",
                        "message": "make an environment in which the model loads, and leave this one as it is",
                        "commands": ["envlock from-model model.keras"],
                    }
                ],
            }
        ],
        "loads": None,
        "error": None,
        "copy": None,
    }


def test_a_model_alone_is_told_to_be_sound(said: Said) -> None:
    assert said("model.keras", exit_code=0) == (
        "The model       model.keras: Keras archive, model, 35.2 kB\n"
        "                saved by keras 3.15\n"
        "\n"
        "Nothing is wrong with the model itself. Name the environment in which it fails\n"
        "with --venv or --python, or pass what it printed with --traceback.\n"
    )


def test_an_environment_that_is_expected_to_load_it_may_be_tried(said: Said) -> None:
    (Path("model.h5")).write_bytes((MODEL.parent / "tf-2.3-functional.h5").read_bytes())

    assert said("model.h5", "--venv", "env", exit_code=0).splitlines()[-1] == (
        "Nothing is found that forbids the model to load there; --run loads it."
    )


NETWORK = """\
The model       vgg_16.ckpt.index: checkpoint, variables, 1.5 kB
                saved by unknown
Its weights     those of vgg_16 (tf_slim.nets, TF-slim 1.1): 32 of 32 variables
                match
                taken by tf.keras.applications.VGG16(weights=None, classes=1000)
Environment     HERE/env/bin/python
                Python 3.8.18 with tensorflow-cpu 2.4.4, numpy 1.19.5, h5py
                2.10.0

1. missing shard (confirmed) [missing-shard]
   The checkpoint lacks vgg_16.ckpt.data-00000-of-00001.
   - read in the artifact itself
   Fix: copy all files of the checkpoint again from where it was saved
"""


def test_weights_of_a_published_network_are_named(said: Said, tmp_path: Path) -> None:
    index = MODEL.parents[1] / "networks/vgg_16.ckpt.index"
    (tmp_path / index.name).write_bytes(index.read_bytes())

    assert said(index.name, "--venv", "env") == NETWORK
    assert json.loads(said(index.name, "--json"))["network"] == {
        "provider": "tf_slim.nets",
        "name": "vgg_16",
        "arguments": {},
        "lines": ["1.1"],
        "variables": 32,
        "matching": 32,
        "changed": [],
        "missing": [],
        "others": [],
        "classes": 1000,
        "model": "tf.keras.applications.VGG16(weights=None, classes=1000)",
        "differences": "",
    }


def test_a_damaged_model_is_a_finding(said: Said) -> None:
    Path("model.keras").write_bytes(MODEL.read_bytes()[:20_000])

    found = json.loads(said("model.keras", "--json"))

    assert found["artifact"] == {"path": "model.keras", "format": None, "content": None}
    assert [(item["reference"], item["likelihood"]) for item in found["findings"]] == [("truncated-file", "confirmed")]


ERROR = "ImportError: cannot import name 'thing' from 'keras.somewhere'\n"


def test_the_error_is_read_from_a_file_or_from_standard_input(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("error.txt").write_text(ERROR, encoding="utf-16")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ERROR.encode())))

    from_file = json.loads(said("--traceback", "error.txt", "--json"))
    from_input = json.loads(said("--traceback", "-", "--json"))

    assert from_file == from_input
    assert from_file["traceback"] == {"error": ERROR.strip(), "python": None, "origin": {}}


def test_an_error_of_another_python_and_tensorflow_is_doubted(said: Said) -> None:
    Path("error.txt").write_text(
        '  File "/usr/lib/python3.7/site-packages/tensorflow_core/python/keras/saving/hdf5_format.py",'
        " line 166, in load_model_from_hdf5\nValueError: what?\n"
    )

    assert said("--venv", "env", "--traceback", "error.txt").partition("\n\n")[0] == (
        "Environment     HERE/env/bin/python\n"
        "                Python 3.8.18 with tensorflow-cpu 2.4.4, numpy 1.19.5, h5py\n"
        "                2.10.0\n"
        "The error       ValueError: what?\n"
        "                of Python 3.7, tensorflow 1.15 to 2.1, by its frames\n"
        "But             the error is of Python 3.7, and the environment has 3.8.18\n"
        "But             the error is of TensorFlow 1.15, 2.0, 2.1, and the environment\n"
        "                has 2.4.4"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to diagnose [usage]"),
        (["gone.h5"], "gone.h5: no such file or directory [missing-artifact]"),
        (["model.keras", "--venv", "gone"], "gone: there is no such interpreter [usage]"),
        (["model.keras", "--venv", "."], ".: holds no bin/python [usage]"),
        (["model.keras", "--run"], "--run needs the environment [usage]"),
        (["--venv", "env", "--run"], "--run loads a model, and none is named [usage]"),
        (
            ["--venv", "env", "--fix", "--copy", "."],
            ".: the folder is not empty and holds no envlock.json of envlock, left untouched [occupied-path]",
        ),
        (["--architecture", "model.keras"], "nothing to diagnose [usage]"),
        (
            ["--venv", "env", "--architecture", "model.keras"],
            "--architecture is for weights, and none are named [usage]",
        ),
        (["--traceback", "."], "--traceback .: Is a directory [usage]"),
        (["--traceback", "gone.txt"], "--traceback gone.txt: No such file or directory [usage]"),
    ],
)
def test_what_cannot_be_diagnosed_is_refused(
    arguments: list[str], message: str, said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diagnose", *arguments]) == 2
    assert capsys.readouterr().err.splitlines()[0] == f"envlock: {message}"


def test_a_name_that_acts_on_the_terminal_is_shown_escaped(said: Said) -> None:
    Path("a\x1b[2J.h5").write_bytes((MODEL.parent / "tf-2.3-weights.h5").read_bytes())

    printed = said("a\x1b[2J.h5", "--venv", "env")

    assert printed.replace("\n", "").isprintable()
    assert "envlock from-model 'a\\x1b[2J.h5'" in printed


def test_without_standard_input_there_is_no_error_to_read(
    said: Said, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    assert main(["diagnose", "--traceback", "-"]) == 2
    assert capsys.readouterr().err.splitlines()[0] == "envlock: --traceback -: No such file or directory [usage]"
