"""A Dockerfile, built and run to the end.

There is neither a Docker engine nor a registry: buildah builds, and the base image is made of this machine's own files
and Python under the name that the Dockerfile asks for. Everything else is as the Dockerfile says.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from envlock.interpreters import Interpreter
from tests.images.local_base import make_base
from tests.images.requests import make

pytestmark = [pytest.mark.environments, pytest.mark.online]

REQUIRE_VARIABLE = "ENVLOCK_REQUIRE_BUILDAH"
"""Set to 1 where buildah has to be there."""

SECONDS = 600


class Buildah:
    """The program, with a storage of its own."""

    def __init__(self, folder: Path) -> None:
        self._options = ("--root", folder / "images", "--runroot", folder / "state", "--storage-driver", "vfs")
        self._variables = os.environ | {"TMPDIR": str(folder)}

    def __call__(self, *words: str | Path) -> str:
        """What it prints to standard output."""
        command = ["buildah", *self._options, *words]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=False, env=self._variables
        )
        assert done.returncode == 0, f"{words}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout.strip()


@pytest.fixture
def buildah(tmp_path: Path) -> Buildah:
    if shutil.which("buildah") is None or os.geteuid() != 0:
        if os.environ.get(REQUIRE_VARIABLE) == "1":
            pytest.fail(f"buildah is not on this machine, or not run by root, and {REQUIRE_VARIABLE} is set")
        pytest.skip("buildah is not on this machine, or not run by root")
    return Buildah(tmp_path / "storage")


def test_the_model_loads_in_an_image_of_its_dockerfile(
    tmp_path: Path, buildah: Buildah, require_interpreter: Callable[[str], Interpreter]
) -> None:
    image = make("keras/keras-2.2.4-functional.h5", tmp_path / "image", tensorflow="==1.12.*")
    root = tmp_path / "root"
    variables = make_base(root, require_interpreter(image.outcome.lock.target.python))
    scratch = buildah("from", "scratch")
    buildah("copy", "--quiet", scratch, root, "/")
    buildah("config", *(word for item in variables.items() for word in ("--env", "=".join(item))), scratch)
    buildah("commit", "--quiet", "--rm", scratch, f"docker.io/library/{image.base.reference}")
    shutil.rmtree(root)

    isolation = ("--isolation", "chroot")
    buildah(
        *("build", *isolation, "--network", "host", "--pull-never", "--layers=false", "--tag", "model"), image.folder
    )
    container = buildah("from", "--pull-never", "model")
    words = json.loads(buildah("inspect", container))["OCIv1"]["config"]["Cmd"]

    assert buildah("run", *isolation, container, "--", *words).splitlines()[-3:] == [
        "input tokens:0 int32 (?, 3)",
        "input features:0 float32 (?, 2)",
        "output dense_2/Sigmoid:0 float32 (?, 1)",
    ]
    assert buildah("run", *isolation, container, "--", "id", "-u") == "10001"
    shutil.rmtree(tmp_path / "storage")
