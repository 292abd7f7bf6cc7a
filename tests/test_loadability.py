"""Verdicts on real artifacts; each was seen in a real environment of that line."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from envlock.artifacts import read_provenance
from envlock.dating import date_artifact
from envlock.loadability import CustomObject, Verdict, find_custom_objects, judge
from envlock.provenance import ConfigObject, Provenance
from tests.building import evidence, layer, operation, provenance

ASSETS = Path(__file__).parent / "assets"


@cache
def verdicts_on(artifact: str) -> dict[str, Verdict]:
    read = read_provenance(ASSETS / artifact)
    return {verdict.loader.name: verdict for verdict in judge(read, date_artifact(read))}


@pytest.mark.parametrize(
    ("artifact", "loader", "verdict", "references"),
    [
        ("keras/tf-2.3-functional.h5", "tf.keras 2.3", "loads", []),
        ("keras/tf-2.3-functional.h5", "tf.keras 2.2", "fails", ["unknown-class"]),
        ("keras/tf-2.3-functional.h5", "tf.keras 2.15", "loads", []),
        ("keras/tf-2.3-functional.h5", "tf-keras 2.21", "loads", []),
        ("keras/tf-1.15-sequential.h5", "tf.keras 1.15", "loads", []),
        ("keras/tf-1.15-sequential.h5", "tf-keras 2.16", "loads", []),
        ("keras/tf-1.15-sequential.h5", "keras 2.2", "fails", ["unknown-class"]),
        ("keras/keras-2.2.4-functional.h5", "keras 2.2", "loads", []),
        ("keras/tf-2.12-custom.keras", "keras 3.6", "fails", ["hdf5-named-keras"]),
        ("keras/tf-2.13-sequential.keras", "tf.keras 2.13", "loads", []),
        ("keras/tf-2.13-sequential.keras", "tf.keras 2.15", "fails", ["archive-layout", "archive-layout-sequential"]),
        ("keras/tf-2.15-functional.keras", "tf-keras 2.16", "loads", []),
        ("keras/tf-2.15-functional.keras", "keras 3.6", "fails", ["archive-layout", "unknown-key"]),
        ("keras/tf-2.21-functional.keras", "keras 3.15", "loads", []),
        ("keras/tf-2.21-functional.keras", "keras 3.12", "fails", ["unknown-key"]),
        ("keras/tf-2.16-sequential.h5", "tf.keras 2.15", "fails", ["keras3-config", "unknown-class", "unknown-key"]),
        ("saved_model/1.15", "tensorflow 2.21", "loads", []),
        ("saved_model/2.6", "tf.keras 2.6", "loads", []),
        ("saved_model/2.6", "keras 3.6", "fails", ["keras-saved-model"]),
        ("saved_model/2.16", "tensorflow 2.16", "loads", []),
        ("saved_model/2.16", "tensorflow 2.9", "fails", ["unknown-attribute", "unknown-operation"]),
        ("custom_layer/model.h5", "tf.keras 2.15", "needs-code", ["custom-objects"]),
    ],
)
def test_a_loader_is_judged_as_it_behaves(artifact: str, loader: str, verdict: str, references: list[str]) -> None:
    judged = verdicts_on(artifact)[loader]

    assert (judged.verdict, sorted({reason.reference for reason in judged.reasons})) == (verdict, references)


def keras_3(artifact_format: str, *objects: ConfigObject) -> Provenance:
    return provenance(format=artifact_format, evidence=evidence(keras_version="3.6.0"), objects=objects)


RESHAPE = layer("Reshape", "name", "newshape")


@pytest.mark.parametrize(
    ("artifact", "references"),
    [
        pytest.param(keras_3("keras-archive", RESHAPE._replace(module="keras.src.ops.numpy")), [], id="as operation"),
        pytest.param(keras_3("keras-archive", RESHAPE._replace(module="keras.layers")), ["unknown-key"], id="as layer"),
        pytest.param(keras_3("keras-hdf5", layer("NotEqual", "name")), ["unmarked-operation"], id="in HDF5"),
    ],
)
def test_operations_of_keras_3_are_told_from_layers_by_their_module(
    artifact: Provenance, references: list[str]
) -> None:
    judged = {item.loader.name: item for item in judge(artifact, date_artifact(artifact))}

    assert [reason.reference for reason in judged["keras 3.6"].reasons] == references


@pytest.mark.parametrize(
    ("module", "verdict"),
    [pytest.param(None, "loads", id="rewritten"), pytest.param("keras.layers", "fails", id="not")],
)
def test_keras_3_rewrites_what_has_no_module(module: str | None, verdict: str) -> None:
    dense = layer("Dense", "batch_input_shape", "name", "units")._replace(module=module)
    artifact = provenance(evidence=evidence(keras_version="2.4.0"), objects=(dense,))
    judged = {item.loader.name: item.verdict for item in judge(artifact, date_artifact(artifact))}

    assert judged["keras 3.15"] == verdict


def test_bytecode_is_not_loaded_by_lines_that_no_reader_of_it_runs() -> None:
    judged = verdicts_on("keras/tf-1.15-lambda.h5")

    assert [reason.message for reason in judged["tf.keras 2.15"].reasons] == [
        "tf.keras 2.15 does not run on Python 3.6, 3.7, which its bytecode is for"
    ]
    assert judged["tf.keras 2.11"].verdict == "needs-code"


def test_standalone_keras_2_rewrites_what_keras_1_wrote() -> None:
    dense = layer("Dense", "output_dim", "init", "W_regularizer", "name", "trainable")
    artifact = provenance(evidence=evidence(keras_version="1.2.2"), objects=(dense,))
    loading = {item.loader.name for item in judge(artifact, date_artifact(artifact)) if item.verdict == "loads"}

    assert loading == {"keras 2.0", "keras 2.1", "keras 2.2", "keras 2.3"}


def test_the_reason_names_what_is_missing() -> None:
    assert [reason.message for reason in verdicts_on("keras/tf-2.3-functional.h5")["tf.keras 2.2"].reasons] == [
        "tf.keras 2.2 has no class Functional"
    ]


@pytest.mark.parametrize(
    ("objects", "operations", "custom"),
    [
        pytest.param((layer("Dense", "units"),), (), (), id="nothing"),
        pytest.param(
            (layer("Scale", "factor"),),
            (),
            (CustomObject(name="Scale", kind="layer", distribution=None),),
            id="a layer of the person's own",
        ),
        pytest.param(
            (layer("GELU", registered_name="Addons>GELU"),),
            (),
            (CustomObject(name="GELU", kind="layer", distribution="tensorflow-addons"),),
            id="a layer of Addons",
        ),
        pytest.param(
            (layer("my_loss", kind="function", location="training_config.loss"),),
            (),
            (),
            id="a loss, which a model loads without",
        ),
        pytest.param((layer("relu", kind="function"),), (), (), id="a built-in function"),
        pytest.param(
            (),
            (operation("Addons>Gelu"), operation("MatMul"), operation("Mine")),
            (
                CustomObject(name="Addons>Gelu", kind="operation", distribution="tensorflow-addons"),
                CustomObject(name="Mine", kind="operation", distribution=None),
            ),
            id="operations",
        ),
    ],
)
def test_custom_objects_come_with_the_distribution_that_brings_them(
    objects: tuple[object, ...], operations: tuple[object, ...], custom: tuple[CustomObject, ...]
) -> None:
    artifact = provenance(objects=objects, operations=operations)

    assert find_custom_objects(artifact, date_artifact(artifact)) == custom


def test_operations_of_contrib_are_tensorflow_as_long_as_it_had_them() -> None:
    artifact = provenance(
        format="graph-def",
        evidence=evidence(tensorflow_version="1.12.0"),
        operations=(operation("AdjustHsvInYiq"), operation("MatMul")),
    )
    saver = date_artifact(artifact)
    judged = {item.loader.line: item for item in judge(artifact, saver)}

    assert find_custom_objects(artifact, saver) == ()
    assert {line: judged[line].verdict for line in ("1.8", "1.12", "1.13", "1.15", "2.0")} == {
        "1.8": "loads",
        "1.12": "loads",
        "1.13": "loads",
        "1.15": "loads",
        "2.0": "fails",
    }
    assert [reason.message for reason in judged["2.0"].reasons] == ["TensorFlow 2.0 does not have AdjustHsvInYiq"]


@pytest.mark.parametrize(("stripped", "verdict"), [("true", "fails"), ("false", "loads")])
def test_an_attribute_that_is_not_known_fails_where_it_cannot_hold_its_default(stripped: str, verdict: str) -> None:
    artifact = provenance(
        format="saved-model",
        evidence=evidence(tensorflow_version="2.16.1", stripped_default_attributes=stripped),
        operations=(operation("MatMul", "T", "transpose_a", "transpose_b", "grad_a"),),
    )
    judged = {item.loader.name: item for item in judge(artifact, date_artifact(artifact))}

    assert judged["tensorflow 2.4"].verdict == verdict


MODELS = sorted(
    path.relative_to(ASSETS).as_posix()
    for pattern in ("keras/*.h5", "keras/*.keras", "example/*.h5", "*_layer/*.h5", "saved_model/[0-9]*")
    for path in ASSETS.glob(pattern)
)


@pytest.mark.parametrize("artifact", MODELS)
def test_what_can_have_saved_an_artifact_is_never_expected_to_fail_on_it(artifact: str) -> None:
    read = read_provenance(ASSETS / artifact)
    saver = date_artifact(read)
    failing = {item.loader.name: item.reasons for item in judge(read, saver) if item.verdict == "fails"}

    assert {loader.name for loader in saver.loaders}.isdisjoint(failing), failing
