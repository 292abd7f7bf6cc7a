"""Verdicts on real artifacts; each was seen in a real environment of that line."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from envlock.artifacts import read_provenance
from envlock.dating import date_artifact
from envlock.loadability import CustomObject, Reason, Verdict, find_custom_objects, judge
from envlock.provenance import Code, ConfigObject, Operation, Provenance, Setting
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
        ("keras/tf-2.15-functional.keras", "keras 3.6", "fails", ["functional-archive", "unknown-key"]),
        ("keras/tf-2.21-functional.keras", "keras 3.15", "loads", []),
        ("keras/tf-2.21-functional.keras", "keras 3.12", "fails", ["unknown-key"]),
        ("keras/tf-2.16-sequential.h5", "tf.keras 2.15", "fails", ["keras3-config", "unknown-class", "unknown-key"]),
        ("saved_model/1.15", "tensorflow 2.21", "loads", []),
        ("saved_model/2.6", "tf.keras 2.6", "loads", []),
        ("saved_model/2.6", "keras 3.6", "fails", ["keras-saved-model"]),
        ("saved_model/2.16", "tensorflow 2.16", "loads", []),
        ("saved_model/2.16", "tensorflow 2.9", "fails", ["unknown-operation"]),
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


def stored_function(*lookups: str) -> dict[str, Any]:
    code = Code(kind="lambda-bytecode", name="Lambda", location="model_config.config.layers[0]", lookups=lookups)
    return {"format": "keras-hdf5", "objects": (layer("Lambda", "function"),), "code": (code,)}


@pytest.mark.parametrize(
    ("lookups", "custom"),
    [
        (("K.sum", "len", "np.pi", "tf.nn.relu", "unicode"), []),
        (("K.sum", "scale"), [("scale", "global", None)]),
        (("tfa.activations.gelu",), [("tfa", "module", "tensorflow-addons")]),
        # A function may go by the name of a class, which stays what it is.
        (("Lambda",), [("Lambda", "global", None)]),
        # Every module has it.
        (("__file__",), []),
    ],
)
def test_what_stored_functions_look_up_has_to_be_defined(
    lookups: tuple[str, ...], custom: list[tuple[str, str, str | None]]
) -> None:
    artifact = provenance(**stored_function(*lookups))
    needed = find_custom_objects(artifact, date_artifact(artifact))

    assert [(item.name, item.kind, item.distribution) for item in needed] == custom
    assert judged(**stored_function(*lookups))["tf.keras 2.4"].verdict == ("needs-code" if custom else "loads")


@pytest.mark.parametrize(("python", "custom"), [("2.7", []), ("3.7", ["reduce", "xrange"])])
def test_what_only_another_python_has_itself_has_to_be_defined(python: str, custom: list[str]) -> None:
    code = Code("lambda-bytecode", "Lambda", "model_config", (python,), (python,), lookups=("len", "reduce", "xrange"))
    artifact = provenance(format="keras-hdf5", code=(code,))

    assert [item.name for item in find_custom_objects(artifact, date_artifact(artifact))] == custom


def test_what_only_the_training_looks_up_is_not_needed() -> None:
    loss = Code(kind="lambda-bytecode", name="loss", location="training_config.loss", lookups=("scale",))
    artifact = provenance(format="keras-hdf5", code=(loss,))

    assert find_custom_objects(artifact, date_artifact(artifact)) == ()


def test_a_stored_function_loads_where_tensorflow_has_what_it_looks_up() -> None:
    by_name = judged(**stored_function("tf.log", "tf.nn.relu"))

    assert [by_name[f"tf.keras {line}"].verdict for line in ("1.15", "2.0", "2.15")] == ["loads", "fails", "fails"]
    assert by_name["keras 2.2"].verdict == "loads"
    assert by_name["tf.keras 2.15"].reasons == (
        Reason(
            reference="missing-name",
            message="a stored function looks up tensorflow.log, which no TensorFlow has that tf.keras 2.15 runs on",
        ),
    )


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


def test_whether_a_line_has_operations_of_gpus_depends_on_its_build() -> None:
    artifact = provenance(format="graph-def", operations=(operation("TRTEngineOp"), operation("MatMul")))
    saver = date_artifact(artifact)
    by_line = {item.loader.line: item for item in judge(artifact, saver)}

    assert find_custom_objects(artifact, saver) == ()
    assert {line: by_line[line].verdict for line in ("2.0", "2.1", "2.17", "2.18")} == {
        "2.0": "fails",
        "2.1": "unknown",
        "2.17": "unknown",
        "2.18": "fails",
    }
    assert by_line["2.1"].reasons == (
        Reason("gpu-operation", "holds TRTEngineOp of TensorRT, which only builds for NVIDIA GPUs on Linux have"),
    )
    assert by_line["2.18"].reasons == (Reason("unknown-operation", "TensorFlow 2.18 does not have TRTEngineOp"),)


@pytest.mark.parametrize(("stripped", "verdict"), [("true", "fails"), ("false", "loads")])
def test_an_attribute_that_is_not_known_fails_where_it_cannot_hold_its_default(stripped: str, verdict: str) -> None:
    artifact = provenance(
        format="saved-model",
        evidence=evidence(tensorflow_version="2.16.1", stripped_default_attributes=stripped),
        operations=(operation("MatMul", "T", "transpose_a", "transpose_b", "grad_a"),),
    )
    judged = {item.loader.name: item for item in judge(artifact, date_artifact(artifact))}

    assert judged["tensorflow 2.4"].verdict == verdict


def judged(**fields: Any) -> dict[str, Verdict]:
    artifact = provenance(**fields)
    return {item.loader.name: item for item in judge(artifact, date_artifact(artifact))}


def set_to(item: ConfigObject, **settings: Setting) -> ConfigObject:
    """The object with further keys, and their values."""
    return item._replace(keys=item.keys.union(settings), settings=tuple(sorted(settings.items())))


def masked(*, return_sequences: bool) -> tuple[ConfigObject, ...]:
    """A mask, and a layer that goes through the steps in both directions."""
    inner = set_to(
        layer("LSTM", location="model_config.config.layers[1].config.layer"), return_sequences=return_sequences
    )
    return set_to(layer("Embedding"), mask_zero=True), layer("Bidirectional"), inner


def of_keras(version: str, *objects: ConfigObject, **more: Any) -> dict[str, Any]:
    return {"evidence": evidence(keras_version=version), "objects": objects, **more}


NAMELESS_CELL = layer("GRUCell", "units", location="model_config.config.layers[1].config.cell")
ADDONS_CELL = NAMELESS_CELL._replace(
    class_name="PeepholeLSTMCell", module="tensorflow_addons.rnn", registered_name="Addons>PeepholeLSTMCell"
)
BYTECODE = Code("lambda-bytecode", "<lambda>", "model_config", ("3.11",), ("3.11",))
MIXED_BFLOAT16 = set_to(layer("Policy", kind="policy"), name="mixed_bfloat16")
WITHOUT_WIDTH = set_to(layer("Normalization"), axis=(-1,), batch_input_shape=(None, None))
KERAS_MODEL = frozenset({"keras-model"})
BUILT_LATE = layer("Sequential", "build_input_shape", location="model_config.config.layers[1]")
SEQUENTIAL = frozenset({"sequential"})
TREE_BY_TWOS = frozenset({"object-tree-weights", "layer-checkpoint-dependencies", "layers-numbered-by-twos"})
WEIGHTS = {"content": "weights", "path": Path("model.weights.h5")}
WEIGHTS_OF_KERAS_1 = {"content": "weights", "path": Path("weights.h5"), "traits": frozenset({"unversioned-weights"})}
KERAS_1_AND_2 = ["1.2", "2.0", "2.1", "2.2", "2.3"]


@pytest.mark.parametrize(
    ("item", "lines"),
    [
        pytest.param(layer("Dense", "output_dim", "W_regularizer"), KERAS_1_AND_2, id="renamed keys"),
        pytest.param(layer("SReLU", "name"), ["1.2"], id="a layer of Keras 1 alone"),
        pytest.param(layer("Merge", "mode"), ["1.2", "2.0", "2.1"], id="a layer that Keras 2.2 dropped"),
        pytest.param(layer("Merge", "mode", "layers"), ["1.2"], id="branches in a layer"),
        pytest.param(layer("Embedding", "output_dim"), KERAS_1_AND_2, id="an embedding after an input layer"),
        pytest.param(
            set_to(layer("Embedding", "output_dim"), input_dtype="int32"), ["1.2"], id="an embedding that comes first"
        ),
        pytest.param(
            layer("NonNeg", kind="constraint", location="model_config.config[0].config.W_constraint"),
            ["1.2"],
            id="a constraint",
        ),
    ],
)
def test_keras_2_translates_but_a_part_of_what_keras_1_wrote(item: ConfigObject, lines: list[str]) -> None:
    by_name = judged(**of_keras("1.2.2", item))

    assert [line for line in KERAS_1_AND_2 if by_name[f"keras {line}"].verdict == "loads"] == lines


@pytest.mark.parametrize(
    ("artifact", "reference", "fails", "loads"),
    [
        pytest.param(
            of_keras("2.15.0", set_to(layer("BatchNormalization"), virtual_batch_size="2")),
            "virtual-batches",
            ["tf.keras 2.3", "tf.keras 2.15"],
            [],
            id="what its own saver cannot read",
        ),
        pytest.param(
            of_keras("2.15.0", set_to(layer("BatchNormalization"), virtual_batch_size=None)),
            "virtual-batches",
            [],
            ["tf.keras 2.15"],
            id="what only looks like it",
        ),
        pytest.param(
            of_keras("3.6.0", set_to(layer("StringLookup"), vocabulary=None)),
            "lost-vocabulary",
            ["keras 3.6", "keras 3.15"],
            [],
            id="a vocabulary that Keras 3 leaves out",
        ),
        pytest.param(
            of_keras("2.15.0", set_to(layer("StringLookup"), vocabulary=None), format="keras-archive"),
            "lost-vocabulary",
            ["tf-keras 2.16"],
            ["tf.keras 2.15"],
            id="a vocabulary that tf-keras does not find",
        ),
        pytest.param(
            of_keras("2.1.6-tf", layer("ReLU", "negative_slope")),
            "numbers-as-arrays",
            ["tf.keras 1.12", "tf.keras 2.15"],
            [],
            id="an array where a number should be",
        ),
        pytest.param(
            of_keras("2.15.0", layer("RandomWidth", "factor")),
            "unknown-class",
            ["keras 3.15"],
            ["tf.keras 2.15"],
            id="a class that Keras 3 does not export",
        ),
        pytest.param(
            of_keras("2.15.0", layer("Functional", "layers"), traits=frozenset({"nested-model"})),
            "model-in-model",
            ["keras 3.0", "keras 3.15"],
            ["tf.keras 2.15", "tf-keras 2.21"],
            id="a model in a model",
        ),
        pytest.param(
            of_keras("2.3.1", NAMELESS_CELL), "unmarked-layer", ["keras 3.6"], ["tf.keras 2.15"], id="a cell in a layer"
        ),
        pytest.param(
            of_keras("2.3.1", NAMELESS_CELL._replace(class_name="OwnCell")),
            "unmarked-layer",
            [],
            ["keras 3.6"],
            id="a cell of one's own in a layer",
        ),
        pytest.param(
            of_keras("2.15.0", format="keras-json", code=(BYTECODE,)),
            "code-in-json",
            ["tf.keras 2.15", "tf-keras 2.16", "keras 3.6"],
            ["tf.keras 2.12"],
            id="code in JSON",
        ),
        pytest.param(
            of_keras("2.3.1", NAMELESS_CELL._replace(location="model_config.config.layers[1]")),
            "unmarked-layer",
            [],
            ["keras 3.6"],
            id="the same in a model",
        ),
        pytest.param(
            of_keras("2.15.0", set_to(layer("Attention"), score_mode="dot")),
            "taken-for-function",
            ["keras 3.14", "keras 3.15"],
            ["keras 3.13", "tf.keras 2.15"],
            id="text that is the name of a function",
        ),
        pytest.param(
            of_keras("2.15.0", layer("Policy", "name", kind="policy")),
            "policy-of-keras-2",
            ["keras 3.3", "keras 3.15"],
            ["keras 3.2", "tf-keras 2.21"],
            id="a policy",
        ),
        pytest.param(
            of_keras("2.15.0", layer("hard_sigmoid", kind="function")),
            "other-hard-sigmoid",
            ["keras 3.0"],
            ["tf-keras 2.21"],
            id="a function that computes something else",
        ),
        pytest.param(
            of_keras("3.0.5", layer("hard_sigmoid", kind="function")),
            "other-hard-sigmoid",
            [],
            ["keras 3.0"],
            id="the same of the other saver",
        ),
        pytest.param(
            of_keras("2.3.1", set_to(layer("UpSampling2D"), interpolation="bilinear")),
            "other-bilinear",
            ["tf.keras 2.3", "keras 3.6"],
            ["keras 2.3"],
            id="a layer that computes something else",
        ),
        pytest.param(
            of_keras("2.10.0", MIXED_BFLOAT16, layer("Conv2D", "filters")),
            "bfloat16-convolution",
            ["tf.keras 2.4", "tf.keras 2.6"],
            ["tf.keras 2.3", "tf.keras 2.10"],
            id="a type that a layer cannot compute in",
        ),
        pytest.param(
            of_keras("2.10.0", MIXED_BFLOAT16, layer("Dense", "units")),
            "bfloat16-convolution",
            [],
            ["tf.keras 2.4", "tf.keras 2.6"],
            id="the same type in another layer",
        ),
        pytest.param(
            of_keras("2.3.1", set_to(layer("Dense"), name="encoder/dense")),
            "slash-in-name",
            ["keras 3.0", "keras 3.15"],
            ["keras 2.3", "tf.keras 2.15"],
            id="a slash in a name",
        ),
        pytest.param(
            of_keras("2.10.0", WITHOUT_WIDTH, traits=SEQUENTIAL),
            "width-not-kept",
            ["tf.keras 2.10", "tf.keras 2.15", "keras 3.15"],
            [],
            id="statistics of features whose number is not told",
        ),
        pytest.param(
            of_keras("2.10.0", WITHOUT_WIDTH),
            "width-not-kept",
            [],
            ["tf.keras 2.10"],
            id="the same behind inputs of known width",
        ),
        pytest.param(
            {"format": "saved-model", "traits": KERAS_MODEL, "evidence": evidence(tensorflow_version="2.1.0")},
            "keras-saved-model",
            ["tf.keras 1.14", "keras 3.15"],
            ["tf.keras 1.15", "tf.keras 2.0", "tf.keras 2.3"],
            id="a Keras SavedModel of 2.1",
        ),
        pytest.param(
            {"format": "saved-model", "traits": KERAS_MODEL, "evidence": evidence(tensorflow_version="2.3.4")},
            "keras-saved-model",
            ["tf.keras 1.15", "tf.keras 2.1", "keras 3.15"],
            ["tf.keras 2.0", "tf.keras 2.2"],
            id="a later one",
        ),
        pytest.param(
            of_keras("2.3.1", BUILT_LATE, traits=frozenset({"functional"})),
            "part-built-late",
            ["tf.keras 1.15", "tf.keras 2.2"],
            ["keras 2.2", "tf.keras 2.3"],
            id="a part that was built when it was called",
        ),
        pytest.param(
            of_keras("2.3.1", BUILT_LATE, traits=SEQUENTIAL),
            "part-built-late",
            [],
            ["tf.keras 1.15"],
            id="the same in a row of layers",
        ),
        pytest.param(
            of_keras("2.15.0", layer("Dense", "activation"), traits=frozenset({"function-without-class"})),
            "function-without-class",
            ["tf.keras 2.15", "tf-keras 2.21", "keras 3.15"],
            [],
            id="the code of a function alone",
        ),
        pytest.param(
            of_keras("2.10.0", set_to(layer("Normalization"), axis=())),
            "one-statistic-for-all",
            ["keras 3.6", "keras 3.15"],
            ["tf.keras 2.10", "tf-keras 2.21"],
            id="statistics of all features together",
        ),
        pytest.param(
            of_keras("2.3.1", *masked(return_sequences=True)),
            "masked-steps",
            ["tf.keras 1.14", "tf.keras 2.15", "keras 3.15"],
            ["keras 2.3", "tf.keras 1.13"],
            id="steps that are masked",
        ),
        pytest.param(
            of_keras("2.10.0", *masked(return_sequences=True)),
            "masked-steps",
            ["tf.keras 1.13", "keras 2.3"],
            ["tf.keras 1.14", "tf.keras 2.15"],
            id="steps that are masked, of another saver",
        ),
        pytest.param(
            of_keras("2.3.1", *masked(return_sequences=False)),
            "masked-steps",
            [],
            ["tf.keras 2.15"],
            id="masked steps of which the last is returned alone",
        ),
        pytest.param(
            of_keras("2.10.0", layer("Normalization", "axis")),
            "unused-statistics",
            ["tf.keras 2.6", "tf.keras 2.7", "keras 3.5"],
            ["tf.keras 2.10", "keras 3.6"],
            id="weights that are not used",
        ),
        pytest.param(
            of_keras("2.4.0", set_to(layer("Hashing"), dtype="float32")),
            "hashes-to-integers",
            ["keras 3.0", "keras 3.15"],
            ["tf.keras 2.15"],
            id="a type that a layer no longer takes",
        ),
        pytest.param(
            of_keras("2.15.0", layer("SpectralNormalization", "power_iterations")),
            "unlisted-layer",
            ["tf.keras 2.15", "tf-keras 2.16"],
            ["keras 3.15"],
            id="a layer that its own saver does not find",
        ),
        pytest.param(
            of_keras("2.15.0", set_to(layer("Lambda"), function_type="lambda", module="keras.src.activations")),
            "bytecode-of-keras",
            ["tf.keras 2.15"],
            [],
            id="the bytecode of a wrapper",
        ),
        pytest.param(
            of_keras("2.15.0", set_to(layer("LayerNormalization"), axis=(1, 2))),
            "several-axes",
            ["keras 3.0", "keras 3.15"],
            ["tf.keras 2.15", "tf-keras 2.16"],
            id="a list of more than one",
        ),
        pytest.param(
            of_keras("2.15.0", set_to(layer("LayerNormalization"), axis=(2,))),
            "several-axes",
            [],
            ["keras 3.0", "keras 3.15"],
            id="a list of one",
        ),
        pytest.param(
            of_keras("3.15.1", set_to(layer("LayerNormalization"), axis=(1, 2)), format="keras-archive"),
            "several-axes",
            [],
            ["keras 3.15"],
            id="a list of more than one in an archive",
        ),
        pytest.param(
            of_keras("2.4.0", set_to(layer("Softmax"), axis=(1,))),
            "several-axes",
            ["tf.keras 1.15", "tf.keras 2.3"],
            ["tf.keras 2.4", "keras 2.3", "keras 3.15"],
            id="any list",
        ),
        pytest.param(
            of_keras("2.10.0", layer("AdditiveAttention", "name", call_arguments=frozenset({"use_causal_mask"}))),
            "call-argument",
            ["tf.keras 2.3", "tf.keras 2.9"],
            ["tf.keras 2.10", "tf-keras 2.16", "keras 3.15"],
            id="what it was called with",
        ),
        pytest.param(
            of_keras("2.10.0", layer("AdditiveAttention", "name", call_arguments=frozenset({"mask"}))),
            "call-argument",
            [],
            ["tf.keras 2.9"],
            id="what any line calls it with",
        ),
        pytest.param(
            of_keras("3.15.1", layer("Multiply", "name")),
            "operator-as-layer",
            ["keras 3.15"],
            [],
            id="an operator that is taken for a layer",
        ),
        pytest.param(
            of_keras("3.15.1", layer("Multiply", "dtype", "name", "trainable")),
            "operator-as-layer",
            [],
            ["keras 3.15"],
            id="a layer of the same name",
        ),
        pytest.param(
            of_keras("3.15.1", traits=frozenset({"subclassed"})),
            "subclassed-weights",
            ["keras 3.15"],
            [],
            id="a subclassed model without layers",
        ),
        pytest.param(
            {"format": "graph-def", "operations": (operation("LookupTableFindV2"),)},
            "lost-tables",
            ["tensorflow 2.15"],
            [],
            id="tables that nothing fills",
        ),
        pytest.param(
            {"format": "graph-def", "operations": (operation("LookupTableFindV2"), operation("InitializeTableV2"))},
            "lost-tables",
            [],
            ["tensorflow 2.15"],
            id="tables that are filled",
        ),
        pytest.param(
            of_keras(
                "2.15.0", layer("Functional", "layers", module="keras.src.engine.functional"), format="keras-archive"
            ),
            "functional-archive",
            ["keras 3.0", "keras 3.15"],
            ["tf.keras 2.15"],
            id="a module that Keras 3 does not have",
        ),
        pytest.param(
            of_keras("2.15.0", ADDONS_CELL),
            "custom-objects-ignored",
            ["tf.keras 2.15"],
            [],
            id="a registered class in a layer",
        ),
        pytest.param(
            of_keras("2.15.0", ADDONS_CELL._replace(location="model_config.config.layers[1]")),
            "custom-objects-ignored",
            [],
            ["tf.keras 2.15"],
            id="the same in a model",
        ),
        pytest.param(
            of_keras("2.15.0", layer("SpectralNormalization", "name", registered_name="Addons>SpectralNormalization")),
            "unlisted-layer",
            [],
            ["tf.keras 2.15"],
            id="a class that bears the name of one of Keras",
        ),
        pytest.param(
            of_keras("2.2.4", set_to(layer("Dense", "units"), batch_input_shape=(None, 4)), traits=SEQUENTIAL),
            "another-axis",
            ["keras 3.0", "keras 3.15"],
            ["keras 2.2"],
            id="a Sequential model of Keras 2 in which no InputLayer stands",
        ),
        pytest.param(
            of_keras("2.2.4", layer("Dense", "units"), layer("InputLayer"), traits=SEQUENTIAL),
            "another-axis",
            [],
            ["keras 2.2", "keras 3.15"],
            id="one in which an InputLayer stands",
        ),
        pytest.param(
            of_keras("2.3.1", layer("LSTM", "units")._replace(most_inputs=3)),
            "states-as-inputs",
            ["keras 3.15"],
            ["keras 2.3"],
            id="states among the inputs of a layer",
        ),
        pytest.param(
            of_keras("2.15.0", set_to(layer("BatchNormalization"), axis=(3,)), format="keras-archive"),
            "several-axes",
            ["keras 3.15"],
            ["tf.keras 2.15"],
            id="a list of one axis in an archive",
        ),
        pytest.param(
            of_keras("1.13.1", layer("Attention", "use_scale")),
            "unlisted-layer",
            ["tf.keras 1.14", "tf.keras 2.0"],
            [],
            id="a layer that some lines do not list",
        ),
        pytest.param(
            {"evidence": evidence(), "traits": TREE_BY_TWOS, **WEIGHTS},
            "layer-numbers",
            ["tf.keras 2.14", "keras 3.15"],
            ["tf.keras 2.13"],
            id="weights whose layers are counted in twos",
        ),
        pytest.param(
            of_keras("2.13.1", layer("Dense", "kernel_initializer"), format="keras-archive"),
            "archive-layout",
            ["tf.keras 2.15"],
            ["tf.keras 2.13"],
            id="an archive with weights",
        ),
        pytest.param(
            of_keras("2.13.1", layer("Flatten", "name"), format="keras-archive"),
            "archive-layout",
            ["keras 3.6", "tf.keras 2.12"],
            ["tf.keras 2.13", "tf.keras 2.15"],
            id="an archive without weights",
        ),
        pytest.param(
            {**WEIGHTS, "traits": frozenset({"object-tree-weights"})},
            "weights-layout",
            ["tf.keras 2.11", "tf.keras 2.13", "keras 2.3"],
            ["tf.keras 2.15", "keras 3.15"],
            id="weights by attribute",
        ),
        pytest.param(
            {**WEIGHTS, "traits": frozenset({"object-tree-weights", "layer-checkpoint-dependencies"})},
            "weights-layout",
            ["tf.keras 2.11", "tf.keras 2.15"],
            ["tf.keras 2.13"],
            id="weights by attribute of 2.13",
        ),
        pytest.param(
            {**WEIGHTS_OF_KERAS_1, "evidence": evidence(layer_names="convolution1d_1, dense_1")},
            "weights-of-keras-1",
            ["keras 3.0", "keras 3.15"],
            ["keras 2.3", "tf.keras 2.15"],
            id="weights of Keras 1 that Keras 2 puts in another form",
        ),
        pytest.param(
            {**WEIGHTS, "evidence": evidence(keras_version="2.3.1", layer_names="conv1d_1, dense_1")},
            "weights-for-keras-1",
            ["keras 1.2"],
            ["keras 2.2", "tf.keras 2.15"],
            id="weights of a later Keras for Keras 1",
        ),
        pytest.param(
            {**WEIGHTS_OF_KERAS_1, "evidence": evidence(layer_names="lstm_1")},
            "weights-of-keras-1",
            ["keras 3.15"],
            ["keras 1.2"],
            id="weights of Keras 1 by gate",
        ),
        pytest.param(
            {**WEIGHTS_OF_KERAS_1, "evidence": evidence(layer_names="dense_1")},
            "weights-of-keras-1",
            [],
            ["keras 2.3", "keras 3.15"],
            id="weights of Keras 1 as they are now",
        ),
    ],
)
def test_a_rule_speaks_of_what_it_is_about_alone(
    artifact: dict[str, Any], reference: str, fails: list[str], loads: list[str]
) -> None:
    by_name = judged(**artifact)
    referring = {name for name, item in by_name.items() if reference in {reason.reference for reason in item.reasons}}

    assert [name for name in fails if by_name[name].verdict != "fails" or name not in referring] == []
    assert [name for name in loads if name in referring] == []


@pytest.mark.parametrize(
    ("version", "layers", "doubtful", "certain"),
    [
        ("2.2.4", "input_1, lstm_2", ["tf.keras 2.0", "keras 2.3", "keras 3.6"], ["tf.keras 1.15", "keras 2.1"]),
        ("2.3.1", "lstm", ["tf.keras 1.15", "keras 2.2"], ["tf.keras 2.0", "keras 2.3", "keras 3.6"]),
        ("2.3.1", "gru_1", ["tf.keras 1.15", "tf.keras 2.0"], ["keras 2.3"]),
        ("2.15.0", "gru", ["tf.keras 1.15", "keras 2.3"], ["tf.keras 2.0", "tf-keras 2.16"]),
        ("2.2.4-tf", "gru", ["tf.keras 1.15", "tf.keras 2.0"], []),
        ("2.3.1", "dense, flatten", [], ["tf.keras 2.0", "tf.keras 1.15"]),
    ],
)
def test_weights_of_recurrent_layers_may_not_fit_where_the_defaults_are_others(
    version: str, layers: str, doubtful: list[str], certain: list[str]
) -> None:
    by_name = judged(evidence=evidence(keras_version=version, layer_names=layers), **WEIGHTS)

    assert {name: by_name[name].verdict for name in (*doubtful, *certain)} == {
        **dict.fromkeys(doubtful, "unknown"),
        **dict.fromkeys(certain, "loads"),
    }


@pytest.mark.parametrize(
    ("artifact", "doubtful", "certain"),
    [
        pytest.param(
            of_keras("3.6.0", layer("RandomCrop", "height")), "keras 3.15", "keras 3.6", id="a layer that was changed"
        ),
        pytest.param(
            of_keras("2.10.0", set_to(layer("Concatenate", location="model_config.config.layers[1]"), axis=1)),
            "keras 3.8",
            "keras 3.9",
            id="an axis by number",
        ),
        pytest.param(
            of_keras("3.6.0", traits=frozenset({"compiled"})), "keras 3.2", "keras 3.3", id="what it was trained with"
        ),
    ],
)
def test_what_the_file_does_not_tell_is_not_said_to_load(artifact: dict[str, Any], doubtful: str, certain: str) -> None:
    by_name = judged(**artifact)

    assert (by_name[doubtful].verdict, by_name[certain].verdict) == ("unknown", "loads")


@pytest.mark.parametrize(("registered_name", "verdict"), [("Scale", "fails"), ("Own>Scale", "needs-code")])
def test_the_first_of_keras_3_find_in_hdf5_only_what_is_registered(registered_name: str, verdict: str) -> None:
    by_name = judged(**of_keras("3.6.0", layer("Scale", "factor", registered_name=registered_name)))

    assert (by_name["keras 3.2"].verdict, by_name["keras 3.3"].verdict) == (verdict, "needs-code")


@pytest.mark.parametrize(
    ("version", "traits", "loader", "verdict"),
    [
        ("2.4.4", {"keras-model", "optimizer-slots"}, "tensorflow 2.5", "loads"),
        ("2.4.4", {"keras-model", "optimizer-slots"}, "tensorflow 2.6", "fails"),
        ("2.9.1", {"keras-model", "optimizer-slots"}, "tensorflow 2.15", "loads"),
        ("2.9.1", {"keras-model", "optimizer-slots"}, "tensorflow 2.16", "fails"),
        ("2.9.1", {"keras-model", "optimizer-slots"}, "tf-keras 2.16", "loads"),
        ("2.11.1", {"keras-model", "optimizer-slots"}, "tensorflow 2.16", "loads"),
        ("2.9.1", {"keras-model", "compiled"}, "tensorflow 2.16", "loads"),
        ("2.9.1", {"keras-model"}, "tf.keras 2.4", "fails"),
        ("2.3.1", {"keras-model"}, "tf.keras 2.4", "loads"),
        ("2.3.1", {"keras-model"}, "tf.keras 1.15", "fails"),
        ("2.3.1", {"keras-model", "subclassed"}, "tf.keras 1.15", "loads"),
    ],
)
def test_saved_models_of_keras_need_what_their_saver_counted_on(
    version: str, traits: set[str], loader: str, verdict: str
) -> None:
    facts = evidence(tensorflow_version=version)

    assert judged(format="saved-model", evidence=facts, traits=frozenset(traits))[loader].verdict == verdict


@pytest.mark.parametrize(("class_name", "verdict"), [("RandomFlip", "fails"), ("Dense", "loads")])
def test_layers_of_augmentation_in_saved_models_need_a_line_that_keeps_their_numbers_alike(
    class_name: str, verdict: str
) -> None:
    facts = evidence(tensorflow_version="2.10.1")
    traits = frozenset({"keras-model"})
    by_name = judged(format="saved-model", evidence=facts, traits=traits, objects=(layer(class_name, "name"),))

    assert (by_name["tf.keras 2.7"].verdict, by_name["tf.keras 2.8"].verdict) == (verdict, "loads")


@pytest.mark.parametrize(
    ("artifact_format", "loader", "verdict"),
    [
        ("graph-def", "tensorflow 2.4", "fails"),
        ("graph-def", "tensorflow 2.5", "loads"),
        ("meta-graph", "tensorflow 2.4", "loads"),
    ],
)
def test_a_graph_alone_keeps_its_defaults_in_older_lines(artifact_format: str, loader: str, verdict: str) -> None:
    operations = (operation("MatMul", "T", "transpose_a", "transpose_b", "grad_a"),)

    assert judged(format=artifact_format, operations=operations)[loader].verdict == verdict


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (operation("RngReadAndSkip"), "fails"),
        (operation("RngReadAndSkip")._replace(is_uncalled=True), "loads"),
        (operation("AssignVariableOp", "validate_shape"), "fails"),
        (operation("AssignVariableOp", "validate_shape")._replace(uncalled_attributes={"validate_shape"}), "loads"),
    ],
)
def test_functions_that_nothing_calls_do_not_matter_to_tensorflow_1(found: Operation, verdict: str) -> None:
    facts = evidence(tensorflow_version="2.3.1", stripped_default_attributes="true")
    by_name = judged(
        format="saved-model", evidence=facts, operations=(found,), traits=frozenset({"keras-model", "subclassed"})
    )

    assert (by_name["tensorflow 1.15"].verdict, by_name["tf.keras 1.15"].verdict) == (verdict, "fails")


def test_newer_lines_ignore_attributes_that_they_do_not_know() -> None:
    facts = evidence(tensorflow_version="2.10.1", stripped_default_attributes="true")
    by_name = judged(
        format="saved-model", evidence=facts, operations=(operation("AssignVariableOp", "dtype", "validate_shape"),)
    )

    assert (by_name["tensorflow 2.4"].verdict, by_name["tensorflow 2.5"].verdict) == ("fails", "loads")


def test_a_sequential_saved_model_has_its_input_made_anew() -> None:
    source = layer("InputLayer", "batch_input_shape", "dtype", "name", "optional")
    facts, traits = evidence(tensorflow_version="2.21.0"), frozenset({"keras-model", "sequential"})
    by_name = judged(format="saved-model", evidence=facts, objects=(source,), traits=traits)

    assert by_name["tf.keras 2.15"].reasons == (
        Reason("unknown-key", "InputLayer of tf.keras 2.15 does not accept optional"),
    )
    assert (by_name["tf-keras 2.21"].verdict, by_name["tensorflow 2.15"].verdict) == ("loads", "loads")


@pytest.mark.parametrize(("traits", "verdict"), [(set(), "loads"), ({"graph-only"}, "fails")])
def test_the_operations_that_made_the_variables_of_an_object_graph_do_not_matter(
    traits: set[str], verdict: str
) -> None:
    by_name = judged(
        format="saved-model",
        evidence=evidence(tensorflow_version="2.15.1", stripped_default_attributes="true"),
        operations=(operation("VarHandleOp", "dtype", "shape", "shared_name", "debug_name"),),
        traits=frozenset(traits),
    )

    assert by_name["tensorflow 2.4"].verdict == verdict


@pytest.mark.parametrize(
    ("facts", "verdicts"),
    [
        pytest.param(
            {"min_runtime_version": "2.3.0"},
            {"2.2": "fails", "2.3": "loads", "2.21": "loads"},
            id="a runtime that is named",
        ),
        pytest.param({}, {"1.12": "unknown", "2.21": "unknown"}, id="nothing"),
        pytest.param(
            {"min_runtime_version": "\x1b[31m", "tensorflow_version": "2.15.1"},
            {"2.14": "unknown", "2.15": "loads"},
            id="a converter",
        ),
    ],
)
def test_tensorflow_lite_needs_the_runtime_that_it_names(facts: dict[str, str], verdicts: dict[str, str]) -> None:
    by_name = judged(format="tflite", evidence=evidence(**facts))

    assert {line: by_name[f"tensorflow {line}"].verdict for line in verdicts} == verdicts


def test_what_an_unknown_release_saved_is_not_said_to_load() -> None:
    by_name = judged(**of_keras("3.99.0", layer("Dense", "activation")._replace(module="keras.layers")))

    assert [(reason.reference, reason.message) for reason in by_name["keras 3.15"].reasons] == [
        ("unknown-saver", "was saved by Keras 3.99.0, which the database does not know")
    ]
    assert {item.verdict for item in by_name.values()} == {"unknown"}


def test_what_was_not_looked_at_in_full_is_not_said_to_load() -> None:
    dense = layer("Dense", "units")
    by_name = judged(**of_keras("2.15.0", *(dense._replace(module=f"module{number}") for number in range(1001))))

    assert [(item.verdict, item.reasons[0].message) for item in (by_name["tf.keras 2.15"], by_name["keras 3.15"])] == [
        ("unknown", "holds 1001 kinds of objects, of which 1000 were looked at")
    ] * 2


@pytest.mark.parametrize(
    "artifact",
    [
        pytest.param({"objects": tuple(layer(f"C{number}", "units") for number in range(20_000))}, id="classes"),
        pytest.param({"objects": tuple(layer("Dense", f"key{number}") for number in range(20_000))}, id="keys"),
        pytest.param(
            of_keras("2.15.0", *(layer("Dense", f"key{number}") for number in range(20_000))), id="keys of a version"
        ),
        pytest.param(
            {
                "format": "graph-def",
                "evidence": evidence(tensorflow_version="1.12.0"),
                "operations": tuple(operation(f"Own{number}", "T") for number in range(20_000)),
            },
            id="operations",
        ),
    ],
)
def test_thousands_of_kinds_are_judged_in_bounded_time(artifact: dict[str, Any]) -> None:
    whole = provenance(**artifact)
    saver = date_artifact(whole)
    started = time.process_time()

    judge(whole, saver)

    assert time.process_time() - started < 2


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


def test_a_class_that_its_saver_cannot_have_written_so_is_somebodys_own() -> None:
    own = layer("OrthogonalRegularizer", "strength", kind="regularizer")
    artifact = provenance(**of_keras("2.15.0", own))

    assert [item.name for item in find_custom_objects(artifact, date_artifact(artifact))] == ["OrthogonalRegularizer"]
    assert judged(**of_keras("2.15.0", own))["tf.keras 2.15"].verdict == "needs-code"


def test_layers_are_built_anew_by_the_lines_that_do_so() -> None:
    convolution = layer("Conv2DTranspose", "groups", "filters")
    facts = {"format": "saved-model", "evidence": evidence(tensorflow_version="2.3.1"), "objects": (convolution,)}
    by_name = judged(**facts, traits=frozenset({"keras-model"}))

    assert [by_name[f"tf.keras {line}"].verdict for line in ("2.0", "2.2", "2.3")] == ["loads", "fails", "loads"]
