from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from envlock.artifacts.source import LocalSource
from envlock.errors import EnvlockError
from envlock.inspection.integrity import check_integrity
from envlock.provenance import Finding

ASSETS = Path(__file__).parent.parent / "assets"
CHANGED = "copy or download the file again: its content was changed"


def check(path: Path) -> list[tuple[str, str]]:
    return [(finding.reference, finding.message) for finding in check_integrity(LocalSource(path))]


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Path]:
    def copy(name: str) -> Path:
        source = ASSETS / name
        return Path((shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / source.name))

    return copy


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "path",
    [
        path
        for pattern in ("checkpoints/*/", "saved_model/*/", "keras/*.h5", "keras/*.keras", "tflite/*.tflite")
        for path in sorted(ASSETS.glob(pattern))
    ],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_nothing_is_found_in_whole_artifacts(path: Path) -> None:
    assert check(path) == []


@pytest.mark.parametrize(
    ("name", "shard", "tensor"),
    [
        ("checkpoints/1.15", "model.ckpt.data-00001-of-00002", "beta1_power"),
        ("saved_model/2.6", "variables/variables.data-00000-of-00001", "_CHECKPOINTABLE_OBJECT_GRAPH"),
    ],
)
def test_a_changed_tensor_is_found_by_its_checksum(
    copied: Callable[[str], Path], name: str, shard: str, tensor: str
) -> None:
    folder = copied(name)
    size = (folder / shard).stat().st_size
    flip(folder / shard, 0 if tensor == "beta1_power" else size - 1)

    found = check_integrity(LocalSource(folder))

    assert found == (
        Finding(
            reference="damaged-data",
            severity="error",
            message=f"{shard}: tensor {tensor} differs from its checksum",
            hint=CHANGED,
        ),
    )


def test_a_changed_chunk_of_a_dataset_is_found_by_unpacking_it(copied: Callable[[str], Path]) -> None:
    path = copied("hdf5/chunks-earliest-2.0.h5")
    flip(path, path.read_bytes().index(b"\x78", 4200) + 3)

    assert check(path) == [
        (
            "damaged-data",
            "chunks-earliest-2.0.h5: dataset '/packed' at offset 4232: a compressed chunk cannot be unpacked: "
            "Error -3 while decompressing data: incorrect data check",
        )
    ]


def test_what_cannot_be_checked_is_told_apart_from_damage(copied: Callable[[str], Path]) -> None:
    assert check(copied("hdf5/unread-datasets-earliest-2.0.h5")) == [
        ("unchecked-data", f"unread-datasets-earliest-2.0.h5: not all data were checked: dataset {problem}")
        for problem in (
            "'/external': a dataset whose values are in another file is not supported",
            "'/other filter': filter 32000 is not supported",
            "'/virtual': a virtual dataset is not supported",
        )
    ]


def test_chunks_under_every_kind_of_index_are_checked(copied: Callable[[str], Path]) -> None:
    assert check(copied("hdf5/chunk-indexes-latest-2.0.h5")) == []


def test_a_changed_chunk_is_found_by_the_checksum_that_its_filter_added(copied: Callable[[str], Path]) -> None:
    path = copied("hdf5/chunk-indexes-latest-2.0.h5")
    flip(path, path.read_bytes().index(bytes([9, 8, 7, 6, 5])))

    assert check(path) == [
        (
            "damaged-data",
            "chunk-indexes-latest-2.0.h5: dataset '/checksum over an odd byte': a chunk differs from its checksum",
        )
    ]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("checkpoints/2.15", "model.ckpt-1.index"),
        ("checkpoints/2.15", "model.ckpt-1.data-00000-of-00001"),
        ("hdf5", "chunks-earliest-2.0.h5"),
        ("tflite", "2.10-signature.tflite"),
        ("keras", "tf-2.21-functional.keras"),
    ],
)
def test_a_cut_or_changed_file_gives_findings_or_an_envlock_error(tmp_path: Path, name: str, file: str) -> None:
    for path in ASSETS.joinpath(name).iterdir():
        if path.name.partition(".")[0] == file.partition(".")[0]:
            shutil.copy(path, tmp_path)
    data = (tmp_path / file).read_bytes()
    chance = random.Random(file)  # noqa: S311
    for position in sorted(chance.sample(range(len(data)), 100)):
        changed = bytearray(data)
        changed[position] = chance.randrange(256)
        for damaged in (data[:position], bytes(changed)):
            (tmp_path / file).write_bytes(damaged)
            with suppress(EnvlockError):
                check_integrity(LocalSource(tmp_path))


def test_a_changed_member_of_a_zip_archive_is_found_by_its_checksum(copied: Callable[[str], Path]) -> None:
    path = copied("keras/tf-2.21-functional.keras")
    position = path.read_bytes().index(b'"keras_version"')
    flip(path, position)

    assert check(path) == [
        (
            "damaged-data",
            "tf-2.21-functional.keras: zip member 'metadata.json': the archive cannot be read: "
            "\"Bad CRC-32 for file 'metadata.json'\"",
        )
    ]


def test_a_tensorflow_lite_model_without_its_end_is_found(copied: Callable[[str], Path]) -> None:
    path = copied("tflite/2.3-keras.tflite")
    path.write_bytes(path.read_bytes()[:-1])

    assert all(reference == "damaged-data" for reference, _ in check(path))
