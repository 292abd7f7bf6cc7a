"""``envlock inspect --deep``: damage that a look at the structure does not show."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from envlock.cli import main

ASSETS = Path(__file__).parent.parent / "assets"
CHANGED = "copy or download the file again: its content was changed"
CHUNKS = "hdf5/keras-chunks.h5"

# Folder, what is passed, the file that is changed, and the bytes before which its content is changed.
DAMAGED = [
    pytest.param("checkpoints/1.15", passed, "model.ckpt.data-00001-of-00002", 0, message, id=f"checkpoint {passed}")
    for message in ["model.ckpt.data-00001-of-00002: tensor beta1_power differs from its checksum"]
    for passed in ["", "model.ckpt", "model.ckpt.index", "model.ckpt.data-00000-of-00002"]
] + [
    pytest.param(
        "saved_model/2.6", passed, "variables/variables.data-00000-of-00001", -1, message, id=f"model {passed}"
    )
    for message in [
        "variables/variables.data-00000-of-00001: tensor _CHECKPOINTABLE_OBJECT_GRAPH differs from its checksum"
    ]
    for passed in ["", "saved_model.pb"]
]


def inspect(capsys: pytest.CaptureFixture[str], path: Path, *options: str) -> list[dict[str, str]]:
    assert main(["inspect", str(path), "--json", *options]) == 0
    findings: list[dict[str, str]] = json.loads(capsys.readouterr().out)["findings"]
    return findings


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(("folder", "passed", "file", "position", "message"), DAMAGED)
def test_a_changed_shard_is_found_whatever_stands_for_the_folder(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    folder: str,
    passed: str,
    file: str,
    position: int,
    message: str,
) -> None:
    model = Path(shutil.copytree(ASSETS / folder, tmp_path / "model"))
    flip(model / file, position)

    shallow = inspect(capsys, model / passed)
    deep = inspect(capsys, model / passed, "--deep")

    assert deep == [
        *shallow,
        {"reference": "damaged-data", "severity": "error", "message": message, "hint": CHANGED},
    ]
