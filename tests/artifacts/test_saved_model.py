from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest

from envlock.artifacts.saved_model import SavedModelReader
from envlock.artifacts.source import LocalSource, StreamSource
from envlock.errors import (
    ArtifactError,
    DamagedFileError,
    EnvlockError,
    LimitExceededError,
    MissingArtifactError,
    NotAModelError,
    TruncatedFileError,
    UnsupportedFeatureError,
)
from envlock.provenance import Code, Evidence, Finding, Operation, Provenance, Signature, TensorSpec
from tests.artifacts.records import record_of
from tests.formats.wire_encoding import entry, message

TESTS = Path(__file__).parent.parent
ASSETS = TESTS / "assets" / "saved_model"
LINES = ("1.15", "2.3", "2.6", "2.16")
REAL_ARTIFACTS = Path(os.environ.get("ENVLOCK_REAL_ARTIFACTS", TESTS.parent.parent / "shared" / "artifacts" / "real"))


def read(path: Path) -> Provenance:
    return SavedModelReader().read(LocalSource(path))


def node(name: str, operation: str, *attributes: str) -> bytes:
    return message((1, name), (2, operation), *((5, entry(attribute, b"")) for attribute in attributes))


def write_model(folder: Path, *meta_graphs: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "saved_model.pb").write_bytes(message((1, 1), *((2, item) for item in meta_graphs)))
    return folder


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Path]:
    return lambda line: Path(shutil.copytree(ASSETS / line, tmp_path / line))


# --- what is read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", LINES)
def test_a_real_saved_model_is_read_whole(line: str) -> None:
    expected = json.loads((TESTS / "golden" / "saved_model" / f"{line}.json").read_text(encoding="utf-8"))

    assert json.loads(json.dumps(record_of(read(ASSETS / line)))) == expected


def test_the_file_in_the_folder_stands_for_the_folder() -> None:
    assert read(ASSETS / "2.6" / "saved_model.pb") == read(ASSETS / "2.6")


def test_a_saved_model_written_as_text_is_read_whole() -> None:
    expected = json.loads((TESTS / "golden" / "graphs" / "1.15-saved_model.json").read_text(encoding="utf-8"))

    assert json.loads(json.dumps(record_of(read(TESTS / "assets" / "graphs" / "1.15" / "saved_model")))) == expected


def test_the_text_file_in_the_folder_stands_for_the_folder_too() -> None:
    folder = TESTS / "assets" / "graphs" / "1.15" / "saved_model"

    assert read(folder / "saved_model.pbtxt").path == folder


def test_a_tensorflow_lite_model_in_the_folder_is_named_and_is_no_part_of_it(copied: Callable[[str], Path]) -> None:
    folder = copied("2.6")
    whole = read(folder)
    (folder / "model.tflite").write_bytes(bytes(100))

    found = read(folder)

    assert found.findings == (
        *whole.findings,
        Finding(
            reference="tflite-inside",
            severity="info",
            message="the folder holds a TensorFlow Lite model too: model.tflite",
            hint="pass that file to inspect it",
        ),
    )
    assert found.size == whole.size
    assert read(folder / "saved_model.pb") == found


def test_the_mark_of_a_hub_module_is_evidence_and_a_trait(tmp_path: Path) -> None:
    folder = write_model(tmp_path, message((2, b"")))
    (folder / "tfhub_module.pb").write_bytes(message((1, 3), (2, "feature")))

    provenance = read(folder)

    assert "hub-module" in provenance.traits
    assert provenance.evidence[-2:] == (
        Evidence(fact="hub-module-format", value="3", location="tfhub_module.pb: format"),
        Evidence(fact="hub-module-feature", value="feature", location="tfhub_module.pb: required_features"),
    )


def test_the_version_is_found_behind_the_graph_too(tmp_path: Path) -> None:
    graph = message((1, node("a", "NoOp")), (4, message((1, 27))))
    folder = write_model(tmp_path, message((2, graph), (1, message((5, "1.0.0-rc2"), (6, "unknown")))))

    found = {(item.fact, item.value) for item in read(folder).evidence}

    assert found == {
        ("saved-model-schema-version", "1"),
        ("graph-producer", "27"),
        ("tensorflow-version", "1.0.0-rc2"),
        ("git-version", "unknown"),
    }


def test_operations_of_the_graph_and_its_functions_are_counted_together(tmp_path: Path) -> None:
    function = message((1, message((1, "double"))), (3, node("b", "Mul", "T", "extra", "_XlaCompile")))
    graph = message(
        (1, node("a", "Mul", "T", "_output_shapes")), (1, node("call", "double")), (2, message((1, function)))
    )

    provenance = read(write_model(tmp_path, message((2, graph))))

    assert provenance.operations == (Operation(name="Mul", attributes=frozenset({"T", "extra"}), nodes=2),)


def test_operations_that_run_python_or_touch_files_are_code(tmp_path: Path) -> None:
    graph = message(
        (1, node("restore", "RestoreV2")),
        (1, node("words", "InitializeTableFromTextFileV2")),
        (1, node("first", "ReadFile")),
        (1, node("second", "ReadFile")),
        (2, message((1, message((3, node("inner", "EagerPyFunc")))))),
    )

    provenance = read(write_model(tmp_path, message((2, graph))))

    place = "saved_model.pb: meta_graphs[0].graph_def, node"
    assert provenance.code == (
        Code(kind="python-operation", name="EagerPyFunc", location=f"{place} inner"),
        Code(kind="file-operation", name="ReadFile", location=f"{place} first"),
    )


def test_signatures_keep_unknown_shapes_apart_from_scalars(tmp_path: Path) -> None:
    def tensor(dtype: int, *shape: bytes) -> bytes:
        return message((2, dtype), *((3, item) for item in shape))

    signature = message(
        (1, entry("none", tensor(1))),
        (1, entry("scalar", tensor(9, b""))),
        (1, entry("any", tensor(7, message((3, 1))))),
        (2, entry("y", tensor(101, message((2, message((1, -1))), (2, message((1, 4))))))),
    )
    initialiser = (5, entry("__saved_model_init_op", b""))
    provenance = read(write_model(tmp_path, message((5, entry("call", signature)), initialiser, (2, b""))))

    assert provenance.signatures == (
        Signature(
            name="call",
            inputs=(
                TensorSpec(name="any", dtype="string", shape=None),
                TensorSpec(name="none", dtype="float32", shape=None),
                TensorSpec(name="scalar", dtype="int64", shape=()),
            ),
            outputs=(TensorSpec(name="y", dtype="float32_ref", shape=(None, 4)),),
        ),
    )


def test_each_graph_has_its_own_tags(tmp_path: Path) -> None:
    graphs = [message((1, message((4, "serve")))), message((1, message((4, "serve"), (4, "gpu"))))]

    assert read(write_model(tmp_path, *graphs)).tags == (frozenset({"serve"}), frozenset({"serve", "gpu"}))


def test_layers_of_a_subclassed_model_are_read_one_by_one(tmp_path: Path) -> None:
    dense = json.dumps({"class_name": "Dense", "config": {"name": "d", "units": 1}})
    nodes = [
        ("root", "_tf_keras_model", json.dumps({"class_name": "Mine", "keras_version": "2.9.0"})),
        ("root.a", "_tf_keras_layer", dense),
        ("root.again", "_tf_keras_layer", dense),
        ("root.b", "_tf_keras_metric", json.dumps({"class_name": "Mean", "config": {"name": "loss"}})),
    ]
    folder = write_model(tmp_path, message((7, b"")))
    (folder / "keras_metadata.pb").write_bytes(
        message(*((1, message((3, path), (4, identifier), (5, text))) for path, identifier, text in nodes))
    )

    provenance = read(folder)

    assert [(item.class_name, item.location) for item in provenance.objects] == [("Dense", "keras_metadata.pb: root.a")]
    assert provenance.recorded("keras-version") == "2.9.0"
    assert provenance.traits == {"keras-model"}


def test_a_keras_model_without_its_metadata_is_named_and_no_keras_model(copied: Callable[[str], Path]) -> None:
    folder = copied("2.6")
    (folder / "keras_metadata.pb").unlink()

    provenance = read(folder)

    assert provenance.traits == frozenset()
    assert provenance.findings == (
        Finding(
            reference="no-keras-metadata",
            severity="info",
            message="a Keras model was saved here without its configuration: there is no keras_metadata.pb",
            hint="load it with tf.saved_model.load; the Keras loaders refuse it",
        ),
    )


# --- what is missing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "removed", "reference", "message_"),
    [
        (
            "2.6",
            "variables/variables.data-00000-of-00001",
            "missing-variables",
            "the folder lacks variables/variables.data-00000-of-00001",
        ),
        ("2.6", "variables/variables.index", "missing-variables", "the folder lacks variables/variables.index"),
        ("1.15", "assets/words.txt", "missing-assets", "the folder lacks assets/words.txt"),
    ],
)
def test_a_missing_part_is_an_error_finding(
    copied: Callable[[str], Path], line: str, removed: str, reference: str, message_: str
) -> None:
    folder = copied(line)
    (folder / removed).unlink()

    assert read(folder).findings == (
        Finding(
            reference=reference,
            severity="error",
            message=message_,
            hint="copy the whole folder again from where the model was saved",
        ),
    )


def test_a_shard_cut_short_is_an_error_finding(copied: Callable[[str], Path]) -> None:
    folder = copied("2.6")
    os.truncate(folder / "variables" / "variables.data-00000-of-00001", 800)

    assert read(folder).findings == (
        Finding(
            reference="truncated-variables",
            severity="error",
            message=(
                "variables/variables.data-00000-of-00001 has 800 bytes, and its index places tensors up to byte 887"
            ),
            hint="copy or download the file again: its end is missing",
        ),
    )


def test_an_asset_outside_of_the_folder_is_code_and_is_not_looked_for(tmp_path: Path) -> None:
    folder = write_model(tmp_path, message((2, b""), (6, message((2, "../../etc/passwd")))))

    provenance = read(folder)

    assert provenance.code == (Code(kind="file-operation", name="AssetFileDef", location="asset ../../etc/passwd"),)
    assert provenance.findings == ()


def test_a_saved_model_under_another_name_is_read_with_a_warning(copied: Callable[[str], Path]) -> None:
    folder = copied("2.16")
    renamed = (folder / "saved_model.pb").rename(folder / "model.pb")

    assert SavedModelReader().recognises(LocalSource(renamed), renamed.read_bytes()[:4096])
    assert read(renamed).findings == (
        Finding(
            reference="wrong-name",
            severity="warning",
            message="model.pb is a SavedModel, but TensorFlow looks for it under saved_model.pb only",
            hint="rename it to saved_model.pb",
        ),
    )


# --- what is recognised, and what is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "head", "recognised"),
    [
        pytest.param("saved_model.pb", b"", True, id="empty, under the name"),
        pytest.param("saved_model.pb", b"<html>", True, id="foreign, under the name"),
        pytest.param("m.pb", (ASSETS / "1.15" / "saved_model.pb").read_bytes()[:64], True, id="other name"),
        pytest.param("m.pb", message((1, node("a", "NoOp"))), False, id="graph"),
        pytest.param("m.onnx", message((1, 1), (2, "pytorch")), False, id="ONNX"),
        pytest.param("fingerprint.pb", message((1, 1), (2, 5)), False, id="fingerprint"),
        pytest.param("m.h5", b"\x89HDF", False, id="HDF5"),
    ],
)
def test_a_file_is_recognised_by_its_name_or_structure(name: str, head: bytes, recognised: bool) -> None:
    assert SavedModelReader().recognises(StreamSource(BytesIO(head), name), head) is recognised


@pytest.mark.parametrize(
    ("name", "recognised"),
    [("saved_model.pb", True), ("saved_model.pbtxt", True), ("saved_model.cpb", True), ("model.tflite", False)],
)
def test_a_folder_is_recognised_by_what_it_holds(tmp_path: Path, name: str, recognised: bool) -> None:
    (tmp_path / name).touch()

    assert SavedModelReader().recognises(LocalSource(tmp_path), b"") is recognised


@pytest.mark.parametrize(
    ("content", "kind", "problem"),
    [
        pytest.param(b"", DamagedFileError, "saved_model.pb: the file is empty", id="empty"),
        pytest.param(
            b"version https://git-lfs.github.com/spec/v1\n",
            NotAModelError,
            "saved_model.pb: expected a saved model, found a Git LFS pointer instead of the file",
            id="Git LFS pointer",
        ),
        pytest.param(
            message((1, node("a", "NoOp")), (4, message((1, 27)))),
            NotAModelError,
            "saved_model.pb: expected a saved model, found a GraphDef (a frozen graph)",
            id="frozen graph",
        ),
        pytest.param(
            (ASSETS / "2.6" / "keras_metadata.pb").read_bytes(),
            NotAModelError,
            "saved_model.pb: expected a saved model, found Keras metadata, which belongs beside a saved_model.pb",
            id="Keras metadata",
        ),
        pytest.param(
            (ASSETS / "2.16" / "fingerprint.pb").read_bytes(),
            DamagedFileError,
            "saved_model.pb at offset 12: a SavedModel has no field 2 of wire type 0",
            id="fingerprint",
        ),
        pytest.param(
            message((1, 1)), DamagedFileError, "saved_model.pb: a SavedModel without any graph", id="no graph"
        ),
        pytest.param(
            message((1, 1), (2, message((9, "x")))),
            DamagedFileError,
            "saved_model.pb at offset 6: a MetaGraphDef has no field 9 of wire type 2",
            id="no MetaGraphDef",
        ),
        pytest.param(
            (ASSETS / "1.15" / "saved_model.pb").read_bytes()[:1000],
            TruncatedFileError,
            "saved_model.pb: expected 6319 bytes at offset 5, found 995",
            id="cut short",
        ),
        pytest.param(
            message((1, 1), *[(2, b"")] * 101),
            LimitExceededError,
            "saved_model.pb: number of graphs 101 is over the limit of 100",
            id="countless graphs",
        ),
    ],
)
def test_a_file_that_is_no_saved_model_is_named(
    tmp_path: Path, content: bytes, kind: type[ArtifactError], problem: str
) -> None:
    (tmp_path / "saved_model.pb").write_bytes(content)

    with pytest.raises(kind) as caught:
        read(tmp_path)

    assert str(caught.value) == problem


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_saved_model_in_chunks_is_named(tmp_path: Path, is_folder: bool) -> None:
    path = tmp_path / "saved_model.cpb"
    path.write_bytes(bytes.fromhex("83af70d10d884a3f") + bytes(8) + b"\x40" + bytes(47))

    with pytest.raises(UnsupportedFeatureError) as caught:
        read(tmp_path if is_folder else path)

    assert str(caught.value) == "saved_model.cpb: a SavedModel written in chunks is not supported"


def test_the_chunks_of_a_saved_model_are_recognised_by_content() -> None:
    head = bytes.fromhex("83af70d10d884a3f") + bytes(8)

    assert SavedModelReader().recognises(StreamSource(BytesIO(head), "model.bin"), head)


def test_text_that_is_no_saved_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pbtxt").write_text("node { }", encoding="utf-8")

    with pytest.raises(NotAModelError) as caught:
        read(tmp_path)

    assert str(caught.value) == "saved_model.pbtxt: expected a saved model, found a GraphDef (a frozen graph)"


@pytest.mark.parametrize(
    ("files", "found", "hint"),
    [
        ([], "an empty folder", NotAModelError("", found="").hint),
        (["model.tflite"], "a folder with model.tflite", NotAModelError("", found="").hint),
        (
            [*"abcdefg", "evil\x1b[2J"],
            "a folder with a, b, c, d, e and 3 more",
            NotAModelError("", found="").hint,
        ),
        (
            ["1/saved_model.pb", "2/saved_model.pb", "readme"],
            "a folder of SavedModels",
            "pass one of the folders in it, such as 2",
        ),
    ],
)
def test_a_folder_without_a_saved_model_is_described(tmp_path: Path, files: list[str], found: str, hint: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    with pytest.raises(NotAModelError) as caught:
        read(tmp_path)

    assert (caught.value.found, caught.value.hint) == (found, hint)


@pytest.mark.parametrize("name", ["saved_model.pb", "keras_metadata.pb", "variables", "variables/variables.index"])
def test_a_link_in_the_folder_is_refused(copied: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    folder = copied("2.6")
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")

    with pytest.raises(UnsupportedFeatureError) as caught:
        read(folder)

    assert str(caught.value) == f"{name}: a symbolic link in the folder of a model is not supported"


@pytest.mark.parametrize("name", ["saved_model.pb", "keras_metadata.pb", "variables/variables.index", "assets/x"])
def test_a_pipe_in_the_folder_is_refused_and_does_not_hang(copied: Callable[[str], Path], name: str) -> None:
    folder = copied("1.15")
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)

    with pytest.raises(UnsupportedFeatureError) as caught:
        read(folder)

    assert str(caught.value) == f"{name}: a pipe, socket or device in the folder of a model is not supported"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingArtifactError) as caught:
        read(tmp_path / "saved_model.pb")

    assert str(caught.value) == f"{tmp_path / 'saved_model.pb'}: no such file or directory"


# --- damage --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "name"),
    [(line, "saved_model.pb") for line in LINES] + [("2.6", "keras_metadata.pb"), ("2.16", "fingerprint.pb")],
)
def test_a_cut_or_changed_file_gives_a_provenance_or_an_envlock_error(
    copied: Callable[[str], Path], line: str, name: str
) -> None:
    folder = copied(line)
    data = (folder / name).read_bytes()
    chance = random.Random(line)  # noqa: S311
    for position in sorted(chance.sample(range(len(data)), min(len(data), 250))):
        changed = bytearray(data)
        changed[position] = chance.randrange(256)
        for damaged in (data[:position], bytes(changed)):
            (folder / name).write_bytes(damaged)
            with suppress(EnvlockError):
                read(folder)


# --- published models ----------------------------------------------------------------------------------------

_SERVING = "serving/tensorflow_serving/servables/tensorflow/testdata"


@pytest.mark.parametrize(
    ("folder", "version", "producer", "findings"),
    [
        (f"{_SERVING}/saved_model_half_plus_three/00000123", "1.0.0-rc2", "21", []),
        (f"{_SERVING}/saved_model_half_plus_two_tf2_cpu/00000123", "2.14.0", "1569", []),
        (f"{_SERVING}/saved_model_half_plus_two_mlmd/00000123", "2.1.0", "384", []),
        ("tensorflow-onnx/tests/models/regression/saved_model", "1.11.0", "27", []),
        ("tensorflow-onnx/tests/models/saved_model_with_redundant_inputs", "1.12.0", "27", []),
        # Published without its vocabularies.
        (
            "tfx/tfx/benchmarks/datasets/chicago_taxi/model/trained_saved_model",
            "2.1.0",
            "378",
            ["missing-assets"],
        ),
    ],
)
def test_published_saved_models_are_read(folder: str, version: str, producer: str, findings: list[str]) -> None:
    if not (REAL_ARTIFACTS / folder).is_dir():
        pytest.skip("the published artifacts are not here: set ENVLOCK_REAL_ARTIFACTS to their folder")

    provenance = read(REAL_ARTIFACTS / folder)

    assert provenance.recorded("tensorflow-version") == version
    assert provenance.recorded("graph-producer") == producer
    assert [finding.reference for finding in provenance.findings] == findings
    assert provenance.code == ()
