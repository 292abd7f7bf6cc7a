from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.artifacts.keras_config import KerasConfiguration, read_configuration, read_objects
from envlock.errors import ArtifactError, DamagedFileError, LimitExceededError
from envlock.provenance import Code, ConfigObject, TensorSpec


def read(config: object) -> KerasConfiguration:
    return read_configuration(config, location="model_config")


def named(class_name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": config}


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    return named("Sequential", name="sequential", layers=list(layers))


def summary(*objects: ConfigObject) -> list[tuple[str, str, str]]:
    return [(item.class_name, item.kind, item.location) for item in objects]


# --- objects -------------------------------------------------------------------------------------------------


def test_an_object_is_read_with_keys_settings_and_place() -> None:
    dense = named("Dense", units=3, name="dense", use_bias=True, rate=0.5, note="x" * 81, bias=None)
    dense["config"] |= {"axis": [1, None], "shape": [[1], 2], "values": [0] * 9, "notes": ["x" * 81]}
    dense |= {"module": "keras.layers", "registered_name": None}

    assert read(sequential(dense)).objects[1] == ConfigObject(
        class_name="Dense",
        kind="layer",
        keys=frozenset(dense["config"]),
        module="keras.layers",
        location="model_config.config.layers[0]",
        settings=(
            ("axis", (1, None)),
            ("bias", None),
            ("name", "dense"),
            ("rate", 0.5),
            ("units", 3),
            ("use_bias", True),
        ),
    )


@pytest.mark.parametrize(
    ("calls", "arguments"),
    [
        pytest.param([[["x", 0, 0, {}]]], [], id="Keras 2"),
        pytest.param([[["x", 0, 0, {"causal": True, "mask": None, "training": False}]]], ["causal"], id="one input"),
        pytest.param([["x", 0, 0, {"axis": 0, "n": ["y", 0, 0]}]], ["axis", "n"], id="an input that is no list"),
        pytest.param(
            [[["x", 0, 0, {"a": 1}], ["y", 0, 0, {"b": 1}]], [["z", 0, 0, {"c": 1}]]], ["a", "b", "c"], id="calls"
        ),
        pytest.param([{"args": [{"d": 1}], "kwargs": {"causal": True, "mask": None}}], ["causal"], id="Keras 3"),
        pytest.param([{"args": [], "kwargs": [{"a": 1}]}, 3, [4], [[5]], None], [], id="what no Keras writes"),
        pytest.param({"kwargs": {"a": 1}}, [], id="no list"),
    ],
)
def test_what_a_layer_was_called_with_is_read(calls: object, arguments: list[str]) -> None:
    layer = named("Attention") | {"inbound_nodes": calls}

    assert sorted(read_objects(layer, location="m")[0].call_arguments) == arguments


def test_objects_within_objects_follow_them_with_the_kind_of_their_place() -> None:
    layer = named(
        "Bidirectional",
        layer=named("RNN", cell=named("StackedRNNCells", cells=[named("LSTMCell", recurrent_activation="my_gate")])),
        kernel_initializer=named("Zeros"),
        bias_regularizer=named("L2"),
        kernel_constraint=named("MaxNorm"),
        dtype=named("Policy", name="mixed_float16"),
        activation=named("LeakyReLU", alpha=0.1),
        schedule=named("Steps"),
    )

    assert summary(*read_objects(layer, location="m")) == [
        ("Bidirectional", "layer", "m"),
        ("RNN", "layer", "m.config.layer"),
        ("StackedRNNCells", "layer", "m.config.layer.config.cell"),
        ("LSTMCell", "layer", "m.config.layer.config.cell.config.cells[0]"),
        ("my_gate", "function", "m.config.layer.config.cell.config.cells[0].config.recurrent_activation"),
        ("Zeros", "initializer", "m.config.kernel_initializer"),
        ("L2", "regularizer", "m.config.bias_regularizer"),
        ("MaxNorm", "constraint", "m.config.kernel_constraint"),
        ("Policy", "policy", "m.config.dtype"),
        ("LeakyReLU", "object", "m.config.activation"),
        ("Steps", "object", "m.config.schedule"),
    ]


def test_the_objects_of_keras_1_are_read() -> None:
    dense = named("Dense", init="glorot_uniform", W_regularizer={"name": "WeightRegularizer", "l1": 0.0, "l2": 0.1})
    objects = read({"class_name": "Sequential", "config": [dense]}).objects

    assert summary(*objects) == [
        ("Sequential", "layer", "model_config"),
        ("Dense", "layer", "model_config.config[0]"),
        ("glorot_uniform", "function", "model_config.config[0].config.init"),
        ("WeightRegularizer", "regularizer", "model_config.config[0].config.W_regularizer"),
    ]
    assert objects[3].keys == {"l1", "l2"}


def test_the_objects_of_a_training_configuration_are_read() -> None:
    training = {
        "optimizer_config": named("Adam", learning_rate=named("ExponentialDecay", decay_rate=0.9)),
        "loss": {"left": "mse", "right": named("Huber", delta=1.0)},
        "metrics": [["accuracy", named("MeanMetricWrapper", fn="my_metric")]],
        "sample_weight_mode": "temporal",
    }

    assert summary(*read_objects(training, location="t")) == [
        ("Adam", "optimizer", "t.optimizer_config"),
        ("ExponentialDecay", "object", "t.optimizer_config.config.learning_rate"),
        ("mse", "function", "t.loss.left"),
        ("Huber", "loss", "t.loss.right"),
        ("accuracy", "function", "t.metrics[0][0]"),
        ("MeanMetricWrapper", "metric", "t.metrics[0][1]"),
        ("my_metric", "function", "t.metrics[0][1].config.fn"),
    ]


@pytest.mark.parametrize(
    ("envelope", "class_name", "registered_name"),
    [
        ({"class_name": "Addons>GELU", "config": {}}, "GELU", "Addons>GELU"),
        ({"class_name": "GELU", "config": {}, "registered_name": "Addons>GELU"}, "GELU", "Addons>GELU"),
        ({"class_name": "function", "config": "gelu", "registered_name": "my>gelu"}, "gelu", "my>gelu"),
    ],
)
def test_registered_names_are_the_same_in_old_and_new_envelopes(
    envelope: dict[str, Any], class_name: str, registered_name: str
) -> None:
    found = read_objects(envelope, location="m")[0]

    assert (found.class_name, found.registered_name) == (class_name, registered_name)


def test_values_in_envelopes_and_links_between_layers_are_no_objects() -> None:
    tensor = {"class_name": "__keras_tensor__", "config": {"shape": [1], "activation": "relu"}}
    layer = named("Dense", value={"class_name": "__tensor__", "config": {"value": [1.0]}}, inbound_nodes=[tensor])

    assert summary(*read_objects([layer, tensor], location="m")) == [("Dense", "layer", "m[0]")]


# --- inputs --------------------------------------------------------------------------------------------------


def image(name: str, **config: Any) -> dict[str, Any]:
    return {"name": name, **named("InputLayer", name=name, **config)}


IMAGE = image("image", batch_shape=[None, 4, 1], dtype="float32")


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (sequential(IMAGE), [("image", "float32", (None, 4, 1))]),
        (sequential(named("Dense", name="d", batch_input_shape=[None, 3])), [("d", "", (None, 3))]),
        (sequential(named("Dense", name="d", input_dtype="int32", batch_input_shape=[2])), [("d", "int32", (2,))]),
        ({"class_name": "Sequential", "config": [IMAGE]}, [("image", "float32", (None, 4, 1))]),
        (sequential(sequential(IMAGE)), [("image", "float32", (None, 4, 1))]),
        (sequential(named("Dense", name="d")), []),
        (sequential(), []),
        (named("Mine"), []),
        (named("Functional", layers=[IMAGE], input_layers=[["image", 0, 0]]), [("image", "float32", (None, 4, 1))]),
        (named("Functional", layers=[IMAGE], input_layers=["image", 0, 0]), [("image", "float32", (None, 4, 1))]),
        (named("Functional", layers=[IMAGE], input_layers=[["missing", 0, 0]]), []),
        (
            named("Functional", layers=[IMAGE, image("b")], input_layers={"x": ["b", 0, 0], "y": [["image", 0, 0]]}),
            [("b", "", None), ("image", "float32", (None, 4, 1))],
        ),
        (
            sequential(named("D", batch_input_shape={"class_name": "__tuple__", "items": [None, 1]}, name="d")),
            [("d", "", (None, 1))],
        ),
        (sequential(named("D", batch_shape=[1], dtype=named("DTypePolicy", name="float16"))), [("", "float16", (1,))]),
        (sequential(named("D", batch_shape=[1], dtype="mixed_float16")), [("", "", (1,))]),
    ],
)
def test_the_inputs_are_those_that_the_model_takes(
    model: dict[str, Any], inputs: list[tuple[str, str, tuple[int | None, ...] | None]]
) -> None:
    assert read(model).inputs == tuple(TensorSpec(name=name, dtype=dtype, shape=shape) for name, dtype, shape in inputs)


# --- code ----------------------------------------------------------------------------------------------------

NO_CODE = "bm8gY29kZQ=="
LAMBDA_WITHOUT_CLASS = named("Dense", activation={"value": [NO_CODE, None, None]})


@pytest.mark.parametrize(
    ("envelope", "kind", "name", "location"),
    [
        (
            named("Lambda", name="l", function=[NO_CODE, None, None], function_type="lambda"),
            "lambda-bytecode",
            "l",
            "m.config.function",
        ),
        (
            named("Lambda", name="l", function=["c\x01\x00\udcff", None, None], function_type="lambda"),
            "lambda-bytecode",
            "l",
            "m.config.function",
        ),
        (named("Lambda", name="l", mask=NO_CODE, mask_type="lambda"), "lambda-bytecode", "l", "m.config.mask"),
        (
            named("Dense", activation=named("__lambda__", code=NO_CODE)),
            "lambda-bytecode",
            "<lambda>",
            "m.config.activation.config.code",
        ),
        (
            LAMBDA_WITHOUT_CLASS,
            "lambda-bytecode",
            "<lambda>",
            "m.config.activation.value",
        ),
        (named("TFSMLayer", filepath="/etc"), "file-operation", "TFSMLayer: /etc", "m.config.filepath"),
        (named("StringLookup", vocabulary="v.txt"), "file-operation", "StringLookup: v.txt", "m.config.vocabulary"),
        ({**named("system"), "module": "os"}, "foreign-module", "os.system", "m"),
        ({**named("eval"), "module": "builtins"}, "foreign-module", "builtins.eval", "m"),
        ({"class_name": "function", "config": "run", "module": "mine.ops"}, "foreign-module", "mine.ops.run", "m"),
        (
            {**named("GELU"), "module": "os", "registered_name": "Addons>GELU"},
            "foreign-module",
            "os.GELU",
            "m",
        ),
    ],
)
def test_code_is_named_with_its_place(envelope: dict[str, Any], kind: Any, name: str, location: str) -> None:
    assert read_configuration(envelope, location="m").code == (Code(kind=kind, name=name, location=location),)


@pytest.mark.parametrize(
    "envelope",
    [
        {**named("Dense"), "module": "keras.layers"},
        {**named("Dense"), "module": "tensorflow.python.keras"},
        {**named("GELU"), "module": "tensorflow_addons.layers", "registered_name": "Addons>GELU"},
        {**named("FixedDropout"), "module": "efficientnet.model"},
        {"class_name": "function", "config": "mine", "module": "builtins"},
        named("Lambda", function="mine", function_type="function"),
        named("StringLookup", vocabulary=["a", "b"]),
    ],
)
def test_what_runs_nothing_of_its_own_is_no_code(envelope: dict[str, Any]) -> None:
    assert read(envelope).code == ()


def test_a_named_function_of_a_lambda_layer_is_an_object_to_provide() -> None:
    objects = read(named("Lambda", function="mine", function_type="function")).objects

    assert summary(objects[1]) == [("mine", "function", "model_config.config.function")]


def test_the_code_of_a_function_is_no_name_of_one() -> None:
    assert [item.class_name for item in read(LAMBDA_WITHOUT_CLASS).objects] == ["Dense"]


# --- traits and bounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "traits"),
    [
        (sequential(), {"sequential"}),
        ({"class_name": "Sequential", "config": []}, {"sequential", "list-style-sequential"}),
        (named("Model", layers=[], input_layers=[]), {"functional"}),
        (named("Mine"), {"subclassed"}),
        (sequential(sequential()), {"sequential", "nested-model"}),
        (sequential(named("Lambda")), {"sequential", "lambda"}),
        (sequential(LAMBDA_WITHOUT_CLASS), {"sequential", "function-without-class"}),
        (sequential(named("Dense", units={"value": [NO_CODE, None, None]})), {"sequential"}),
        ({**sequential(), "module": "keras"}, {"sequential", "module-envelope"}),
        (sequential(IMAGE), {"sequential", "keras3-config"}),
    ],
)
def test_traits_tell_how_the_model_is_built(model: dict[str, Any], traits: set[str]) -> None:
    assert read(model).traits == traits


@pytest.mark.parametrize("config", [None, [], "Sequential", {}, {"class_name": "Sequential"}, {"config": {}}])
def test_what_describes_no_model_is_refused(config: object) -> None:
    with pytest.raises(DamagedFileError) as caught:
        read(config)

    assert str(caught.value) == "model_config: describes no Keras model: it has no class_name and config"


def test_more_objects_than_a_model_has_are_refused() -> None:
    with pytest.raises(LimitExceededError) as caught:
        read(sequential(*[named("Dense")] * 100_001))

    assert str(caught.value) == "model_config: number of objects 50001 is over the limit of 50000"


def test_locations_stay_short_and_printable_whatever_the_keys() -> None:
    config: dict[str, Any] = named("Dense")
    for _ in range(100):
        config = named("Outer", **{"\x1b" * 1000: config})
    locations = [item.location for item in read(config).objects]

    assert max(map(len, locations)) < 2000
    assert all(location.isprintable() for location in locations)


WORDS = st.sampled_from(
    ["class_name", "config", "layers", "Sequential", "Lambda", "function", "function_type", "lambda", "module", "name"]
) | st.text(max_size=3)
CONFIGURATIONS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | WORDS,
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(WORDS, children, max_size=4)
        | st.builds(lambda name, config: {"class_name": name, "config": config}, WORDS, children)
    ),
    max_leaves=20,
)


@given(CONFIGURATIONS)
def test_any_json_gives_a_configuration_or_an_artifact_error(config: object) -> None:
    read_objects(config, location="m")
    try:
        configuration = read(config)
    except ArtifactError:
        return
    assert configuration.objects[0].location == "model_config"


_MODEL = sequential(
    sequential(named("InputLayer", batch_input_shape=[None, 3], dtype="float32", name="input")),
    named("Dense", units=3, kernel_initializer=named("GlorotUniform", seed=None), input_shape=named("TensorShape")),
    named("Functional", layers=[named("InputLayer", name="x")], input_layers=[["x", 0, 0]], output_layers=[]),
)


def _places(value: object) -> Iterator[tuple[dict[str, Any] | list[Any], Any]]:
    """Where values lie within *value*: what holds each, and its key or index."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from _places(item)


@given(st.data(), CONFIGURATIONS)
def test_anything_in_any_place_of_a_model_gives_a_configuration_or_an_artifact_error(
    data: st.DataObject, anything: object
) -> None:
    model = deepcopy(_MODEL)
    container, key = data.draw(st.sampled_from(list(_places(model))))
    container[key] = anything

    with suppress(ArtifactError):
        read(model)
