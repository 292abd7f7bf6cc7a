from __future__ import annotations

import json
import os
import random
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from envlock.artifacts import read_provenance
from envlock.artifacts.source import LocalSource
from envlock.artifacts.tflite import TfliteReader
from envlock.errors import DamagedFileError, EnvlockError, NotAModelError
from envlock.provenance import Provenance
from tests.artifacts.records import record_of

TESTS = Path(__file__).parent.parent
ASSETS = TESTS / "assets" / "tflite"
NAMES = tuple(sorted(path.stem for path in ASSETS.glob("*.tflite")))
REAL_ARTIFACTS = Path(os.environ.get("ENVLOCK_REAL_ARTIFACTS", TESTS.parent.parent / "shared" / "artifacts" / "real"))


def read(path: Path) -> Provenance:
    return TfliteReader().read(LocalSource(path))


@pytest.mark.parametrize("name", NAMES)
def test_a_real_model_is_read_whole(name: str) -> None:
    expected = json.loads((TESTS / "golden" / "tflite" / f"{name}.json").read_text(encoding="utf-8"))

    assert json.loads(json.dumps(record_of(read(ASSETS / f"{name}.tflite")))) == expected


@pytest.mark.parametrize(
    ("head", "recognised"),
    [(b"\x1c\0\0\0TFL3", True), (b"\x1c\0\0\0TFL3 and more", True), (b"TFL3", False), (b"", False)],
)
def test_a_model_is_recognised_by_its_identifier(head: bytes, recognised: bool) -> None:
    assert TfliteReader().recognises(LocalSource(ASSETS / "2.3-keras.tflite"), head) is recognised


def test_a_folder_with_nothing_but_a_model_stands_for_the_model(tmp_path: Path) -> None:
    path = Path(shutil.copy(ASSETS / "2.3-keras.tflite", tmp_path / "model.tflite"))

    assert read_provenance(tmp_path) == read(path)
    assert read_provenance(tmp_path).path == path


@pytest.mark.parametrize(("name", "content"), [("labels.txt", b"cat"), ("model.tflite", b"version https://git-lfs")])
def test_a_folder_with_something_else_is_described(tmp_path: Path, name: str, content: bytes) -> None:
    shutil.copy(ASSETS / "2.3-keras.tflite", tmp_path / "model.tflite")
    (tmp_path / name).write_bytes(content)

    for read_folder in (read, read_provenance):
        with pytest.raises(NotAModelError) as caught:
            read_folder(tmp_path)

        names = ", ".join(sorted({name, "model.tflite"}))
        assert str(caught.value) == f"{tmp_path}: expected a saved model, found a folder with {names}"


def test_a_model_whose_first_offset_leads_nowhere_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"\x06\0\0\0TFL3")

    with pytest.raises(DamagedFileError) as caught:
        read(tmp_path / "m.tflite")

    assert str(caught.value) == "m.tflite at offset 0: an offset of 6 bytes leads out of the file"


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_or_changed_model_gives_a_provenance_or_an_envlock_error(tmp_path: Path, name: str) -> None:
    data = (ASSETS / f"{name}.tflite").read_bytes()
    path = tmp_path / "m.tflite"
    chance = random.Random(name)  # noqa: S311
    for position in sorted(chance.sample(range(len(data)), 200)):
        changed = bytearray(data)
        changed[position] = chance.randrange(256)
        for damaged in (data[:position], bytes(changed)):
            path.write_bytes(damaged)
            with suppress(EnvlockError):
                read(path)


@pytest.mark.parametrize(
    ("name", "version", "runtime", "operations"),
    [
        (
            "tensorflow-onnx/tests/models/regression/tflite/model.tflite",
            None,
            "1.5.0",
            ["MUL version 1, 1 times", "ADD version 1, 1 times"],
        ),
        (
            "tensorflow-onnx/tests/models/regression/tflite/test_api_model.tflite",
            "2.9.0",
            "1.5.0",
            ["ADD version 1, 1 times"],
        ),
    ],
)
def test_published_models_are_read(name: str, version: str | None, runtime: str, operations: list[str]) -> None:
    if not (REAL_ARTIFACTS / name).is_file():
        pytest.skip("the published artifacts are not here: set ENVLOCK_REAL_ARTIFACTS to their folder")

    provenance = read(REAL_ARTIFACTS / name)

    assert provenance.recorded("tensorflow-version") == version
    assert provenance.recorded("min-runtime-version") == runtime
    assert list(provenance.values_of("built-in-operation")) == operations
