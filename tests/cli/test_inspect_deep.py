"""``envlock inspect --deep``: damage that a look at the structure does not show."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from envlock.cli import main

ASSETS = Path(__file__).parent.parent / "assets"
SHARD = "variables.data-00000-of-00001"
CHECKPOINT_NAMES = ("", "model.ckpt", "model.ckpt.index", "model.ckpt.data-00000-of-00002")


def inspect(capsys: pytest.CaptureFixture[str], path: Path, *options: str) -> list[dict[str, str]]:
    exit_code = main(["inspect", str(path), "--json", *options])
    findings: list[dict[str, str]] = json.loads(capsys.readouterr().out)["findings"]
    is_damaged = any(finding["reference"] == "damaged-data" for finding in findings)
    assert exit_code == (2 if is_damaged else 0)
    return findings


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("folder", "shard", "position", "tensor", "passed"),
    [
        (folder, shard, position, tensor, passed)
        for folder, shard, position, tensor, names in (
            ("checkpoints/1.15", "model.ckpt.data-00001-of-00002", 0, "beta1_power", CHECKPOINT_NAMES),
            ("saved_model/2.6", f"variables/{SHARD}", -1, "_CHECKPOINTABLE_OBJECT_GRAPH", ("", "saved_model.pb")),
        )
        for passed in names
    ],
)
def test_a_changed_shard_is_found_whatever_stands_for_the_folder(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    folder: str,
    shard: str,
    position: int,
    tensor: str,
    passed: str,
) -> None:
    model = Path(shutil.copytree(ASSETS / folder, tmp_path / "model"))
    flip(model / shard, position)

    shallow = inspect(capsys, model / passed)
    deep = inspect(capsys, model / passed, "--deep")

    assert deep == [
        *shallow,
        {
            "reference": "damaged-data",
            "severity": "error",
            "message": f"{shard}: tensor {tensor} differs from its checksum",
            "hint": "copy or download the file again: its content was changed",
        },
    ]


@pytest.mark.parametrize(
    ("file", "marker", "distance", "message"),
    [
        pytest.param(
            "keras/tf-2.21-functional.keras",
            b"model.weights.h5",
            1000,
            "zip member 'model.weights.h5': the archive cannot be read: \"Bad CRC-32 for file 'model.weights.h5'\"",
            id="member of a .keras archive",
        ),
        pytest.param(
            "hdf5/keras-packed-2.0.h5",
            b"\x78\x5e",
            5,
            "dataset '/model_weights/dense/dense/kernel:0' at offset 11888: a compressed chunk cannot be unpacked: "
            "Error -3 while decompressing data: incorrect data check",
            id="chunk of an HDF5 file",
        ),
    ],
)
def test_changed_weights_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, marker: bytes, distance: int, message: str
) -> None:
    path = Path(shutil.copy(ASSETS / file, tmp_path))
    flip(path, path.read_bytes().index(marker) + distance)

    shallow = inspect(capsys, path)
    deep = inspect(capsys, path, "--deep")

    assert deep == [
        *shallow,
        {
            "reference": "damaged-data",
            "severity": "error",
            "message": f"{path.name}: {message}",
            "hint": "get the file again from where it was saved: its content was changed",
        },
    ]
