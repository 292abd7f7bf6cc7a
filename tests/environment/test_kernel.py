"""Jupyter offers the environment as a kernel, and kernels of others are left alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from envlock.environment.kernel import Kernel, install_kernel, name_for, refuse_foreign_kernel
from envlock.errors import OccupiedPathError, UsageError, WriteError


@pytest.fixture(autouse=True)
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this person's kernels."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    return tmp_path / "jupyter" / "kernels"


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / ".venv"
    folder.mkdir(parents=True)
    return folder


def test_a_kernel_runs_in_the_environment_with_its_variables(kernels: Path, environment: Path) -> None:
    kernel = install_kernel("old-model", environment, title="Old model", variables={"TF_USE_LEGACY_KERAS": "1"})

    assert kernel == Kernel(name="old-model", title="Old model", folder=kernels / "old-model")
    assert json.loads((kernels / "old-model" / "kernel.json").read_text()) == {
        "argv": [f"{environment}/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Old model",
        "language": "python",
        "env": {"TF_USE_LEGACY_KERAS": "1"},
        "metadata": {"envlock": {"environment": str(environment)}},
    }


def test_the_kernel_of_the_same_environment_is_replaced(kernels: Path, environment: Path) -> None:
    install_kernel("old-model", environment, title="First", variables={})

    install_kernel("old-model", environment, title="Second", variables={})

    assert json.loads((kernels / "old-model" / "kernel.json").read_text())["display_name"] == "Second"
    assert [path.name for path in kernels.rglob("*")] == ["old-model", "kernel.json"]


def test_the_kernel_of_an_environment_that_is_gone_is_replaced(environment: Path, tmp_path: Path) -> None:
    install_kernel("old-model", tmp_path / "gone", title="First", variables={})

    refuse_foreign_kernel("old-model", environment)


@pytest.mark.parametrize(
    "text", ['{"argv": []}', '{"metadata": {"envlock": 1}}', "[]", "\x00", None], ids=["other", "odd", "list", "damaged", "none"]
)  # fmt: skip
def test_a_kernel_that_envlock_did_not_make_is_left_untouched(
    kernels: Path, environment: Path, text: str | None
) -> None:
    (kernels / "theirs").mkdir(parents=True)
    if text is not None:
        (kernels / "theirs" / "kernel.json").write_text(text)

    with pytest.raises(OccupiedPathError) as caught:
        install_kernel("theirs", environment, title="Mine", variables={})

    assert str(caught.value) == f"{kernels}/theirs: a kernel is there that envlock did not make, left untouched"
    assert caught.value.hint == "give the kernel another name with --kernel NAME"
    assert (text is None) == (not (kernels / "theirs" / "kernel.json").exists())


def test_the_kernel_of_another_environment_is_left_untouched(kernels: Path, environment: Path, tmp_path: Path) -> None:
    install_kernel("shared", tmp_path, title="Theirs", variables={})

    with pytest.raises(OccupiedPathError) as caught:
        refuse_foreign_kernel("shared", environment)

    assert str(caught.value) == f"{kernels}/shared: the kernel of {tmp_path} is there, left untouched"


@pytest.mark.parametrize("name", ["Upper", "with space", "../elsewhere", "a/b", ".", "..", ""])
def test_a_name_that_jupyter_does_not_take_is_refused(kernels: Path, environment: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        refuse_foreign_kernel(name, environment)

    assert str(caught.value) == f"--kernel {name}: no name of a kernel"


@pytest.mark.parametrize(
    ("place", "name"),
    [("/home/me/Old Model (2019)/.venv", "envlock-old-model-2019"), ("/srv/été/.venv", "envlock-t"), ("/.venv", "envlock")],
)  # fmt: skip
def test_a_kernel_without_a_name_is_called_after_the_project(place: str, name: str) -> None:
    assert name_for(Path(place)) == name


@pytest.mark.skipif(os.name == "nt", reason="the folders of other systems")
def test_the_folder_of_kernels_is_that_of_jupyter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: Path
) -> None:
    monkeypatch.delenv("JUPYTER_DATA_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr("sys.platform", "linux")
    assert install_kernel("k", environment, title="", variables={}).folder == tmp_path / "xdg" / "jupyter/kernels/k"

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "darwin")
    assert install_kernel("k", environment, title="", variables={}).folder == tmp_path / "Library/Jupyter/kernels/k"


def test_a_data_folder_that_cannot_be_written_to_is_a_write_error(
    monkeypatch: pytest.MonkeyPatch, environment: Path
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", "/proc/jupyter")

    with pytest.raises(WriteError):
        install_kernel("k", environment, title="", variables={})
