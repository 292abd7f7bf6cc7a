"""`envlock from-project` from the command line to its report."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from envlock.cli import main
from envlock.interpreters import Interpreter
from tests.stand_ins import pins_of

ASSETS = Path(__file__).parent.parent / "assets"
PROJECTS = ASSETS / "projects"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An old project, in the current folder."""
    (tmp_path / "old").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "old"


def put(asset: str, place: Path) -> None:
    shutil.copy(ASSETS / asset, place)


def test_the_report_says_what_is_locked_why_and_what_does_not_fit(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put("keras/tf-2.3-functional.h5", folder / "model.h5")
    put("keras/tf-2.3-weights.h5", folder / "weights.h5")
    (folder / "setup.py").write_text(
        "from setuptools import setup\n"
        "setup(install_requires=['tensorflow>=2.3,<2.4', 'h5py==2.10.0'], python_requires='>=3.5,<3.7')\n"
    )
    (folder / "train.py").write_text("import a_module_of_nobody\nimport tensorflow as tf\n")
    (folder / "data.h5").write_text("col1,col2,col3\n1,2,3\n4,5,6\n")

    assert main(["from-project", "old", "--lock-only", "--engine", "offline", "--python-version", "3.8"]) == 0

    captured = capsys.readouterr()
    assert captured.err == ""
    lines = captured.out.splitlines()
    count = next(line for line in lines if line.startswith("  lock ")).rpartition("(")[2].partition(" ")[0]
    assert "\n".join(lines) + "\n" == (
        "The project     old: 2 models\n"
        "  era           2019-09-06 (h5py 2.10.0, which setup.py, line 2 asks for)\n"
        "  models        model.h5: Keras HDF5, model, 23.7 kB, saved by tf.keras 2.3 or 2.4\n"
        "                weights.h5: Keras HDF5, weights, 13.1 kB, saved by tf.keras 2.3 or 2.4\n"
        "  NOT read      data.h5: expected a saved model, found a table in text (CSV)\n"
        "\n"
        "Lock            old/requirements.txt: TensorFlow 2.3.4 on Python 3.8\n"
        "  why           tf.keras 2.3 is what can have saved model.h5\n"
        "                setup.py, line 2, asks for tensorflow<2.4,>=2.3\n"
        f"  lock          old/requirements.txt ({count} distributions, hash-pinned)\n"
        "  besides       h5py==2.10.0 (setup.py, line 2)\n"
        "  imports       a_module_of_nobody (train.py, line 1): what brings it is not known; name it with --with\n"
        "  NOT verified  model.h5: no environment was asked for\n"
        "                weights.h5: it holds weights alone: envlock from-model weights.h5 --code DIR --builder NAME "
        "proves them\n"
        "\n"
        "Modules         not imported: no environment was made\n"
        "\n"
        "Does not fit\n"
        "  setup.py, line 2, asks for Python <3.7,>=3.5: you asked for Python 3.8\n"
        "\n"
        "Read on         old/ONBOARDING.md\n"
    )


def test_the_document_holds_all_of_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put("keras/tf-2.3-functional.h5", folder / "model.h5")
    (folder / "requirements.txt").write_text("tensorflow==2.3.0\n")
    (folder / "cut.h5").write_bytes(b"\x89HDF\r\n\x1a\n")

    assert main(["from-project", "old", "--lock-only", "--engine", "offline", "--json"]) == 1

    document = json.loads(capsys.readouterr().out)
    (environment,) = document["environments"]
    assert document["schema"] == "envlock/from-project/1"
    assert [model["name"] for model in document["models"]] == ["model.h5"]
    assert [(item["name"], item["reference"]) for item in document["unread"]] == [("cut.h5", "truncated-file")]
    assert environment["lock"] == "old/requirements-tensorflow-2.3.txt"
    assert environment["candidate"]["requirements"] == ["tensorflow-cpu==2.3.0"]
    assert environment["met"] == [{"place": "requirements.txt, line 1", "says": "asks for tensorflow==2.3.0"}]
    assert environment["models"] == [
        {
            "name": "model.h5",
            "state": "not-verified",
            "reason": "no environment was asked for",
            "already_verified": False,
            "verification": None,
        }
    ]
    assert document["page"] == "old/ONBOARDING.md"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(
            ["nowhere"],
            "envlock: nowhere: not a folder [usage]\n  pass the folder of the project\n",
            id="no project",
        ),
        pytest.param(
            ["old", "-o", "nowhere"],
            "envlock: -o nowhere: not a folder [usage]\n  make it first, or name another\n",
            id="nowhere to write",
        ),
    ],
)
def test_a_call_that_cannot_be_carried_out_is_refused(
    arguments: list[str], complaint: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["from-project", *arguments]) == 2

    assert capsys.readouterr().err == complaint
    assert os.listdir(folder) == []  # noqa: PTH208 - names alone


def test_a_hostile_project_is_read_and_nothing_of_it_is_run_or_followed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put("keras/tf-2.3-functional.h5", folder / "a\x1b[31m`x`\n.h5")
    trap = tmp_path / "sprung"
    for name in ("setup.py", "conftest.py", "train.py"):
        (folder / name).write_text(f"open({str(trap)!r}, 'w').close()\n")
    outside = tmp_path / "outside.txt"
    outside.write_text("numpy\n")
    (folder / "requirements.txt").write_text(
        f"tensorflow==2.3.0\n-r {outside}\n--index-url https://index.example/\n; rm -rf /\n"
    )
    (folder / "requirements-linked.txt").symlink_to(outside)
    (folder / "ONBOARDING.md").symlink_to(outside)
    os.mkfifo(folder / "pipe.h5")
    (folder / "notebook.ipynb").write_text("{" * 100_000)

    assert main(["from-project", "old", "--lock-only", "--engine", "offline"]) == 0

    captured = capsys.readouterr()
    assert not trap.exists()
    assert outside.read_text() == "numpy\n"
    assert "\x1b" not in captured.out + captured.err
    assert "a\\x1b[31m`x`\\n.h5" in captured.out
    assert "besides" not in captured.out


@pytest.mark.online
@pytest.mark.environments
@pytest.mark.parametrize(
    ("project", "python", "pins", "models", "modules"),
    [
        pytest.param(
            "digits",
            "3.6",
            {"tensorflow": "1.12.0", "keras": "2.2.4"},
            ["models/digits.h5"],
            ["digits", "digits.network", "digits.train"],
            id="TensorFlow 1.12 and standalone Keras, setup.py",
        ),
        pytest.param(
            "ratings",
            "3.8",
            {"tensorflow-cpu": "2.3.1", "tensorflow-addons": "0.11.2"},
            ["models/ratings", "models/ratings.h5"],
            ["features", "train"],
            id="TensorFlow 2.3 and Addons, notebooks",
        ),
        pytest.param(
            "churn",
            "3.11",
            {"tensorflow-cpu": "2.15.1"},
            ["models/churn.keras"],
            ["churn", "churn.layers", "churn.settings", "churn.train"],
            id="TensorFlow 2.15 and a layer of its own, Pipfile",
        ),
    ],
)
def test_an_old_project_runs_after_one_command(
    project: str,
    python: str,
    pins: dict[str, str],
    models: list[str],
    modules: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    require_interpreter: Callable[[str], Interpreter],
) -> None:
    require_interpreter(python)
    clone = tmp_path / project
    shutil.copytree(PROJECTS / project, clone)

    assert main(["from-project", str(clone), "--trust", "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    (environment,) = document["environments"]
    assert environment["candidate"]["python"] == python
    assert pins.items() <= pins_of(Path(environment["lock"])).items()
    assert [(item["name"], item["state"]) for item in environment["models"]] == [(name, "verified") for name in models]
    assert [(item["name"], item["outcome"]) for item in document["modules"]] == [(name, "imported") for name in modules]
