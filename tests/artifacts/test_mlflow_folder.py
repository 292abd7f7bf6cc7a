from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from envlock.artifacts.interface import ArtifactReader
from envlock.artifacts.keras_archive import KerasArchiveReader
from envlock.artifacts.keras_hdf5 import KerasHdf5Reader
from envlock.artifacts.mlflow_folder import MlflowReader
from envlock.artifacts.saved_model import SavedModelReader
from envlock.artifacts.source import LocalSource
from envlock.errors import ArtifactError, DamagedFileError, LimitExceededError, NotAModelError
from envlock.provenance import Evidence, Provenance
from tests.artifacts.records import record_of

ASSETS = Path(__file__).parent.parent / "assets"
GOLDEN = ASSETS.parent / "golden" / "mlflow"
READERS: tuple[ArtifactReader, ...] = (KerasArchiveReader(), KerasHdf5Reader(), SavedModelReader())

DESCRIPTION = """\
artifact_path: model
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.tensorflow
    python_version: 3.8.10
  tensorflow:
    code: null
    data: data
    keras_version: '2.6.0'
    model_type: keras
mlflow_version: 2.3.1
signature:
  inputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]'
"""


def read(folder: Path) -> Provenance:
    source = LocalSource(folder)
    reader = MlflowReader()
    assert reader.recognises(source, b"")
    return reader.read(source)


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("place", "asset"),
    [
        ("data/model", "saved_model/2.6"),
        ("tfmodel", "saved_model/1.15"),
        ("data/model.keras", "keras/tf-2.15-functional.keras"),
        ("data/model.h5", "keras/tf-2.6-sequential.h5"),
        ("model.h5", "keras/keras-2.2.4-functional.h5"),
    ],
)
def test_the_model_within_is_read_as_if_it_were_passed_itself(tmp_path: Path, place: str, asset: str) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (shutil.copytree if (ASSETS / asset).is_dir() else shutil.copy)(ASSETS / asset, tmp_path / place)
    alone = LocalSource(tmp_path / place)
    expected = next(reader for reader in READERS if reader.recognises(alone, head_of(alone))).read(alone)

    provenance = read(write(tmp_path, MLmodel="flavors:\n"))

    assert record_of(provenance) == record_of(expected) | {"traits": sorted(expected.traits | {"mlflow-folder"})}
    assert provenance.path == tmp_path / place


@pytest.mark.parametrize("name", ["2.9-hdf5", "2.9-module", "2.9-saved-model"])
def test_a_folder_that_mlflow_wrote_is_read_whole(name: str) -> None:
    expected = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))

    assert json.loads(json.dumps(record_of(read(ASSETS / "mlflow" / name)))) == expected


def head_of(source: LocalSource) -> bytes:
    if source.is_folder:
        return b""
    with source.open() as stream:
        return stream.read(4096)


def test_what_mlflow_wrote_down_is_evidence_with_its_place(tmp_path: Path) -> None:
    shutil.copytree(ASSETS / "saved_model" / "2.6", tmp_path / "data" / "model")
    write(
        tmp_path,
        MLmodel=DESCRIPTION,
        requirements__txt="# pinned\nmlflow<3,>=2.3\ntensorflow==2.6.5\ncffi\n--hash=sha256:0\n",
        conda__yaml="channels:\n- conda-forge\ndependencies:\n- python=3.8.10\n- pip<=22\n- pip:\n  - h5py==3.1.0\n",
        python_env__yaml="python: 3.8.10\nbuild_dependencies:\n- pip==22.0\n",
    )

    found = [item for item in read(tmp_path).evidence if item.fact.startswith("mlflow")]

    assert found == [
        Evidence(
            fact="mlflow-python-version", value="3.8.10", location="MLmodel: flavors.python_function.python_version"
        ),
        Evidence(fact="mlflow-keras-version", value="2.6.0", location="MLmodel: flavors.tensorflow.keras_version"),
        Evidence(fact="mlflow-version", value="2.3.1", location="MLmodel: mlflow_version"),
        Evidence(fact="mlflow-python-version", value="3.8.10", location="python_env.yaml: python"),
        Evidence(fact="mlflow-requirement", value="mlflow<3,>=2.3", location="requirements.txt: line 2"),
        Evidence(fact="mlflow-requirement", value="tensorflow==2.6.5", location="requirements.txt: line 3"),
        Evidence(fact="mlflow-python-version", value="3.8.10", location="conda.yaml: line 4"),
        Evidence(fact="mlflow-requirement", value="pip<=22", location="conda.yaml: line 5"),
        Evidence(fact="mlflow-requirement", value="h5py==3.1.0", location="conda.yaml: line 7"),
    ]


def test_a_path_in_the_description_is_not_followed(tmp_path: Path) -> None:
    shutil.copy(ASSETS / "keras" / "tf-2.6-sequential.h5", tmp_path / "elsewhere.h5")
    folder = tmp_path / "model"
    folder.mkdir()
    write(folder, MLmodel="flavors:\n  keras:\n    data: ../elsewhere.h5\n")

    with pytest.raises(NotAModelError) as caught:
        read(folder)

    assert caught.value.found == "an MLflow folder without a TensorFlow or Keras model (flavors: keras)"


@pytest.mark.parametrize(
    ("name", "content", "kind", "problem"),
    [
        ("MLmodel", b"flavors:\n  \xff:", DamagedFileError, "MLmodel at offset 11: is no UTF-8"),
        (
            "MLmodel",
            b"a: 1\n" * 300_000,
            LimitExceededError,
            "MLmodel: size in bytes 1048577 is over the limit of 1048576",
        ),
        (
            "requirements.txt",
            b"a==1\n" * 501,
            LimitExceededError,
            "requirements.txt: number of requirements 501 is over the limit of 500",
        ),
    ],
)
def test_a_description_that_is_damaged_or_endless_is_refused(
    tmp_path: Path, name: str, content: bytes, kind: type[ArtifactError], problem: str
) -> None:
    shutil.copy(ASSETS / "keras" / "tf-2.6-sequential.h5", tmp_path / "model.h5")
    write(tmp_path, MLmodel=DESCRIPTION)
    (tmp_path / name).write_bytes(content)

    with pytest.raises(kind) as caught:
        read(tmp_path)

    assert str(caught.value) == problem
