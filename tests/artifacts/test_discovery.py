from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from envlock.artifacts.discovery import find_artifacts

ASSETS = Path(__file__).parent.parent / "assets"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder as people keep them: models of several kinds among other things."""
    root = tmp_path / "project"
    (root / "models" / ".cache").mkdir(parents=True)
    shutil.copytree(ASSETS / "saved_model" / "2.6", root / "models" / "exported")
    shutil.copy(ASSETS / "example" / "model.h5", root / "models" / "best.h5")
    shutil.copy(ASSETS / "example" / "model.h5", root / "models" / "without_ending")
    shutil.copy(ASSETS / "example" / "model.h5", root / "models" / ".cache" / "hidden.h5")
    shutil.copy(ASSETS / "architecture" / "tf-2.15-functional.json", root / "model.json")
    (root / "page.h5").write_text("<html>")
    (root / "notes.md").write_text("# Notes\n")
    (root / "linked.h5").symlink_to(root / "models" / "best.h5")
    (root / "around").symlink_to(root)
    os.mkfifo(root / "pipe.h5")
    return root


def test_models_are_found_in_the_order_of_names_and_links_are_not_followed(project: Path) -> None:
    assert [path.relative_to(project).as_posix() for path in find_artifacts(project)] == [
        "model.json",
        "models/best.h5",
        "models/exported",
        "models/without_ending",
        "page.h5",
    ]


def test_a_folder_that_is_an_artifact_is_found_itself(project: Path) -> None:
    assert list(find_artifacts(project / "models" / "exported")) == [project / "models" / "exported"]


def test_a_file_stands_for_itself(project: Path) -> None:
    assert list(find_artifacts(project / "notes.md")) == [project / "notes.md"]


def test_a_checkpoint_is_found_once_by_its_index(tmp_path: Path) -> None:
    for name in ("checkpoint", "model.ckpt.index", "model.ckpt.data-00000-of-00002", "model.ckpt.data-00001-of-00002"):
        (tmp_path / name).write_bytes(b"")

    assert [path.name for path in find_artifacts(tmp_path)] == ["model.ckpt.index"]
