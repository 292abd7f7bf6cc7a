"""What the folder of an image holds, and what is left as it is."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from envlock.errors import EnvlockError, OccupiedPathError, UnsupportedFeatureError, UsageError
from envlock.images.commands import _field
from envlock.images.interface import NoImageError
from tests.images.requests import ASSETS, make

MODEL = "keras/tf-2.15-functional.keras"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_model_is_copied_and_readable_for_the_user_in_the_image(tmp_path: Path) -> None:
    artifact = Path(shutil.copytree(ASSETS / "saved_model" / "2.3", tmp_path / "my model"))
    for path in (artifact, *artifact.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)

    image = make(artifact, tmp_path / "image")

    copied = image.folder / "model" / "my model"
    assert contents(copied) == contents(artifact)
    modes = {path.stat().st_mode & 0o777 for path in (image.folder / "model").rglob("*") if path.is_file()}
    assert modes == {0o644}
    assert copied.stat().st_mode & 0o777 == 0o755


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    first = make(MODEL, tmp_path / "image", has_dev_container=True, has_conda_environment=True)
    before = contents(first.folder)

    make(MODEL, tmp_path / "image", has_dev_container=True, has_conda_environment=True)

    assert contents(first.folder) == before


def test_a_model_that_was_trained_again_takes_the_place_of_its_copy(tmp_path: Path) -> None:
    artifact = Path(shutil.copy(ASSETS / MODEL, tmp_path / "model.keras"))
    image = make(artifact, tmp_path / "image")
    shutil.copy(ASSETS / "keras" / "tf-2.12-custom.keras", artifact)

    make(artifact, tmp_path / "image")

    assert (image.folder / "model" / "model.keras").read_bytes() == artifact.read_bytes()


def test_the_copy_itself_can_be_what_an_image_is_made_for(tmp_path: Path) -> None:
    image = make(MODEL, tmp_path / "image")
    copied = image.folder / "model" / Path(MODEL).name

    make(copied, image.folder)

    assert copied.read_bytes() == (ASSETS / MODEL).read_bytes()


def test_a_model_that_is_left_out_is_mounted(tmp_path: Path) -> None:
    artifact = Path(shutil.copy(ASSETS / MODEL, tmp_path / "a, b.keras"))

    image = make(artifact, tmp_path / "image", holds_model=False)

    assert not (image.folder / "model").exists()
    assert image.run_command == (
        "docker",
        "run",
        "--rm",
        "--mount",
        f'type=bind,"source={artifact}","target=/app/model/a, b.keras",readonly',
        "model",
    )


def test_a_field_of_a_mount_is_quoted_as_in_comma_separated_values() -> None:
    assert _field('source=/a,"b"') == '"source=/a,""b"""'


def test_parts_of_a_checkpoint_are_mounted_with_their_folder(tmp_path: Path) -> None:
    image = make("checkpoints/2.3/model.ckpt-1.index", tmp_path / "image", holds_model=False)

    assert image.run_command[-2] == (f"type=bind,source={ASSETS / 'checkpoints' / '2.3'},target=/app/model,readonly")


@pytest.mark.parametrize(
    ("artifact", "files"),
    [
        (
            "checkpoints/2.3/model.ckpt-1",
            ["checkpoint", "model.ckpt-1.data-00000-of-00001", "model.ckpt-1.index"],
        ),
        (
            "saved_model/2.3/saved_model.pb",
            [
                "2.3/saved_model.pb",
                "2.3/variables/variables.data-00000-of-00001",
                "2.3/variables/variables.index",
            ],
        ),
    ],
)
def test_of_a_model_among_other_files_its_own_are_copied(artifact: str, files: list[str], tmp_path: Path) -> None:
    folder = (tmp_path / artifact).parent
    shutil.copytree(ASSETS / Path(artifact).parent, folder)
    (folder / "secret.txt").write_text("secret\n")

    image = make(tmp_path / artifact, tmp_path / "image")

    assert sorted(contents(image.folder / "model")) == files


@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore", "load_model.py", "requirements.txt"])
def test_a_file_of_somebody_else_stays_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / name).write_text("mine\n")

    with pytest.raises(OccupiedPathError) as caught:
        make(MODEL, folder)

    assert str(caught.value) == f"{folder / name}: exists and was not written by envlock, left untouched"
    assert contents(folder) == {name: b"mine\n"}


@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore", "load_model.py", ".devcontainer/devcontainer.json"])
def test_a_file_that_was_changed_since_stays_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    image = make(MODEL, tmp_path / "image", has_dev_container=True)
    with (image.folder / name).open("a") as stream:
        stream.write("\n")
    before = contents(image.folder)

    with pytest.raises(OccupiedPathError) as caught:
        make("keras/tf-2.3-functional.h5", image.folder, has_dev_container=True)

    assert (str(caught.value), caught.value.hint) == (
        f"{image.folder / name}: was changed since envlock wrote it, left untouched",
        "name another folder with -o, or remove it to have it written anew",
    )
    assert contents(image.folder) == before


@pytest.mark.parametrize("is_link", [False, True])
def test_a_folder_of_somebody_else_stays_and_nothing_is_written(is_link: bool, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "weights.h5").write_text("mine\n")
    folder = tmp_path / "image"
    folder.mkdir()
    if is_link:
        (folder / "model").symlink_to(mine)
    else:
        mine.rename(folder / "model")

    with pytest.raises(OccupiedPathError) as caught:
        make(MODEL, folder)

    assert str(caught.value) == (
        f"{folder / 'model'}: exists and was not written by envlock, or was changed, left untouched"
    )
    assert [path.name for path in folder.iterdir()] == ["model"]
    assert (folder / "model" / "weights.h5").read_text() == "mine\n"


def test_a_link_in_the_artifact_is_not_followed_into_the_image(tmp_path: Path) -> None:
    artifact = Path(shutil.copytree(ASSETS / "saved_model" / "2.3", tmp_path / "model"))
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    (artifact / "assets").mkdir(exist_ok=True)
    (artifact / "assets" / "words.txt").unlink(missing_ok=True)
    (artifact / "assets" / "words.txt").symlink_to(secret)

    with pytest.raises(UnsupportedFeatureError) as caught:
        make(artifact, tmp_path / "image")

    assert str(caught.value) == "assets/words.txt: a symbolic link in the folder of a model is not supported"
    assert not (tmp_path / "image").exists()


def test_what_an_earlier_run_left_half_made_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "image"
    (folder / ".envlock-draft" / "model").mkdir(parents=True)

    make(MODEL, folder)

    assert not (folder / ".envlock-draft").exists()


def test_two_runs_do_not_write_into_one_folder(tmp_path: Path) -> None:
    folder = tmp_path / "image"
    folder.mkdir()
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with pytest.raises(OccupiedPathError) as caught:
            make(MODEL, folder)
    finally:
        os.close(handle)

    assert str(caught.value) == f"{folder}: another envlock is writing there, left untouched"


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = make(MODEL, tmp_path / "image")
    before = contents(image.folder)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("envlock.images.parts.shutil.copyfileobj", fail)
    with pytest.raises(EnvlockError) as caught:
        make("keras/tf-2.3-functional.h5", image.folder)

    assert str(caught.value) == f"{image.folder}: No space left on device"
    assert contents(image.folder) == before


def test_the_folder_does_not_lie_in_the_artifact(tmp_path: Path) -> None:
    artifact = Path(shutil.copytree(ASSETS / "saved_model" / "2.3", tmp_path / "model"))

    with pytest.raises(UsageError) as caught:
        make(artifact, artifact / "image")

    assert str(caught.value) == f"{artifact / 'image'}: is inside the artifact, which is left as it is"


NO_IMAGE: list[Any] = [
    pytest.param(
        "keras/tf-2.3-functional.h5",
        {"serves": True},
        "{artifact}: TensorFlow Serving takes SavedModels alone",
        id="no SavedModel to serve",
    ),
    pytest.param(
        "saved_model/1.15",
        {"serves": True},
        "{artifact}: its graph calls Python functions, and TensorFlow Serving has no Python",
        id="a graph that needs Python",
    ),
    pytest.param(
        "keras/tf-2.13-sequential.keras",
        {"device": "cuda", "tensorflow": "==2.14.*", "python": "3.11"},
        "no image of TensorFlow 2.14.1 with CUDA 11.8 and cuDNN 8.7 is known, and no wheels bring these",
        id="no CUDA",
    ),
    pytest.param(
        "keras/tf-1.15-sequential.h5",
        {"device": "cuda", "python": "3.7"},
        "tensorflow/tensorflow:1.15.5-gpu has Python 3.6, and you asked for 3.7",
        id="another Python",
    ),
]


@pytest.mark.parametrize(("artifact", "wishes", "message"), NO_IMAGE)
def test_where_there_is_no_image_the_reason_is_told(
    artifact: str, wishes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(NoImageError) as caught:
        make(artifact, tmp_path / "image", **wishes)

    assert str(caught.value) == message.format(artifact=ASSETS / artifact)
    assert not (tmp_path / "image").exists()


HOSTILE_NAMES = ["$HOME.keras", "a b.keras", "a\nRUN true.keras", "'\"\\.keras", "[!a]*.keras", "\udcff.keras"]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_the_name_of_an_artifact_is_no_part_of_an_instruction(name: str, tmp_path: Path) -> None:
    plain = make(shutil.copy(ASSETS / MODEL, tmp_path / "plain.keras"), tmp_path / "one")
    image = make(shutil.copy(ASSETS / MODEL, tmp_path / name), tmp_path / "two")

    def instructions(folder: Path) -> list[str]:
        return [line for line in (folder / "Dockerfile").read_text().splitlines() if not line.startswith("#")]

    assert instructions(image.folder) == instructions(plain.folder)
    assert [path.name for path in (image.folder / "model").iterdir()] == [name]
