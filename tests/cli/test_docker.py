"""`envlock docker` from the command line to its report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from envlock.cli import main

ASSETS = Path(__file__).parent.parent / "assets"
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model."""
    shutil.copy(ASSETS / "keras" / "tf-1.15-sequential.h5", tmp_path / "model.h5")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def docker(*options: str) -> int:
    return main(["docker", "model.h5", "--engine", "offline", *options])


def test_the_report_says_what_was_written_what_it_implies_and_what_to_type(folder: Path, capsys: Captured) -> None:
    assert docker("--device", "cuda", "-o", "my image", "--tensorflow", "1.15", "-q") == 0

    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out == (
        "The model       model.h5: Keras HDF5, model, 35.4 kB\n"
        "  saved by      tf.keras 1.14 to 2.2\n"
        "\n"
        "Image           my image: tensorflow-gpu 1.15.5 on Python 3.6\n"
        "  from          tensorflow/tensorflow:1.15.5-gpu\n"
        "  why           tf.keras 1.15 is what can have saved the model\n"
        "                h5py<3: newer ones break it, which its metadata does not say\n"
        "  wrote         Dockerfile, .dockerignore, pip-requirements.txt, requirements.txt, load_model.py, model/\n"
        "  note          Python 3.6 has had no security fixes since 2021-12-23\n"
        "                Ubuntu 18.04 has had no free security updates since 2023-05\n"
        "                the host needs an NVIDIA driver, 410.48 or newer, and the NVIDIA Container Toolkit\n"
        "                the GPU needs a compute capability of 3.5, 3.7, 5.2, 6.0, 6.1, 7.0; later ones from 7.0 on"
        " compile at the first start\n"
        "                tensorflow/tensorflow:1.15.5-gpu holds a TensorFlow of its own, which the one in"
        " requirements.txt hides\n"
        "                gast 0.2.2, termcolor 1.1.0 are built from source with the image, by a setuptools that is not"
        " pinned\n"
        "\n"
        "Use it          docker build --platform linux/amd64 --tag model 'my image'\n"
        "                docker run --rm --gpus all model\n"
    )
    lock = (folder / "my image" / "requirements.txt").read_text()
    assert lock.splitlines()[1:3] == [
        "# For Python 3.6 on manylinux_2_27_x86_64; another target needs a lock of its own.",
        "# Made by: envlock docker model.h5 --engine offline --device cuda -o 'my image' --tensorflow 1.15 -q",
    ]


def test_the_document_holds_the_same(folder: Path, capsys: Captured) -> None:
    shutil.copytree(ASSETS / "saved_model" / "2.3", folder / "net")

    assert main(["docker", "net", "--serve", "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert document.pop("candidate")["tensorflow"] == "2.3.4"
    assert document == {
        "schema": "envlock/docker/1",
        "artifact": {"path": "net", "format": "saved-model", "content": "model", "bytes": 31343},
        "folder": "docker",
        "base": {"image": "tensorflow/serving:2.3.4", "python": None, "system": None},
        "platform": "linux_x86_64",
        "files": ["Dockerfile", ".dockerignore", "model/"],
        "ports": {"8500": "gRPC", "8501": "REST"},
        "notes": [],
        "commands": {
            "build": ["docker", "build", "--platform", "linux/amd64", "--tag", "model", "docker"],
            "run": ["docker", "run", "--rm", "--publish", "8500:8500", "--publish", "8501:8501", "model"],
        },
        "findings": [],
    }


REFUSED = [
    pytest.param(
        ["--serve", "--conda"],
        "envlock: --conda is about Python, and TensorFlow Serving has none [usage]\n  leave one of them out\n",
        id="conda without Python",
    ),
    pytest.param(
        ["--code", "absent"],
        "envlock: --code absent: not a folder [usage]\n  pass the folder that holds the definitions\n",
        id="no such code",
    ),
    pytest.param(
        ["--base", "python:3.8\nRUN true"],
        "argument --base: 'python:3.8\\nRUN true' is no reference of an image, such as python:3.8-slim-bookworm\n",
        id="a base that is more than a reference",
    ),
    pytest.param(
        ["--base", "python"],
        "argument --base: 'python' is another image every day: name its tag or digest\n",
        id="a base without a tag",
    ),
    pytest.param(
        ["--python-platform", "macos_arm64"],
        "argument --python-platform: 'macos_arm64' is not Linux, as images are\n",
        id="an image of macOS",
    ),
    pytest.param(
        ["--device", "tpu"],
        "argument --device: invalid choice: 'tpu' (choose from 'cpu', 'cuda')\n",
        id="a device that no image is for",
    ),
    pytest.param(
        ["-o", "model.h5"],
        "envlock: model.h5: is no folder [usage]\n  name another place with -o\n",
        id="a file in the way",
    ),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    options: list[str], message: str, folder: Path, capsys: Captured
) -> None:
    assert docker(*options) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith(message)
    assert [path.name for path in folder.iterdir()] == ["model.h5"]


def test_what_no_image_is_known_for_is_answered_with_no(capsys: Captured) -> None:
    assert docker("--serve") == 1

    assert capsys.readouterr().err == (
        "envlock: model.h5: TensorFlow Serving takes SavedModels alone [no-image]\n"
        "  leave --serve out, or save it as one in the environment that envlock from-model makes\n"
    )
