"""Evidence to saver windows; the truths are those of the releases themselves."""

from __future__ import annotations

import time

import pytest

from envlock.dating import date_artifact, line_of_label
from tests.building import evidence, layer, provenance


@pytest.mark.parametrize(
    ("recorded", "implementation", "keras_lines", "tensorflow_lines"),
    [
        ("2.1.6-tf", "tf.keras", ("1.9", "1.10", "1.11", "1.12"), ("1.9", "1.10", "1.11", "1.12")),
        ("2.2.4-tf", "tf.keras", ("1.13", "1.14", "1.15", "2.0", "2.1", "2.2"), ("1.13", "1.14", "1.15", "2.0", "2.1", "2.2")),
        ("b'2.2.4-tf'", "tf.keras", ("1.13", "1.14", "1.15", "2.0", "2.1", "2.2"), ("1.13", "1.14", "1.15", "2.0", "2.1", "2.2")),
        ("2.4.0", "tf.keras", ("2.3", "2.4"), ("2.3", "2.4")),
        ("2.6.0", "tf.keras", ("2.6",), ("2.6",)),
        ("2.18.0", "tf-keras", ("2.18",), ("2.18",)),
        ("2.3.1", "keras", ("2.3",), None),
        ("2.2.4", "keras", ("2.2",), None),
        ("3.6.0", "keras", ("3.6",), ("2.16", "2.17", "2.18", "2.19")),
        ("1.2.1", "keras", ("1.2",), None),
        ("1.1.2", "keras", ("1.1",), ()),
        ("999.0", None, (), ()),
        ("no version", None, (), ()),
    ],
)  # fmt: skip
def test_a_keras_version_names_its_lines(
    recorded: str,
    implementation: str | None,
    keras_lines: tuple[str, ...],
    tensorflow_lines: tuple[str, ...] | None,
) -> None:
    saver = date_artifact(provenance(evidence=evidence(keras_version=recorded)))

    assert (saver.implementation, saver.keras_lines) == (implementation, keras_lines)
    assert tensorflow_lines is None or saver.tensorflow_lines == tensorflow_lines


@pytest.mark.parametrize(
    ("facts", "lines"),
    [
        pytest.param({"tensorflow_version": "2.3.4"}, ("2.3",), id="a release"),
        pytest.param({"tensorflow_version": "0.12.head"}, ("0.12",), id="a head"),
        pytest.param({"tensorflow_version": "1.0.0-rc2"}, ("1.0",), id="a release candidate"),
        pytest.param({"tensorflow_version": "2.9.0-dev20220227"}, ("2.9",), id="a nightly build"),
        pytest.param({"graph_producer": "440"}, ("2.3",), id="a producer alone"),
        pytest.param({"graph_producer": "27"}, ("1.11", "1.12", "1.13"), id="a producer of three lines"),
        pytest.param(
            {"tensorflow_version": "2.1.0", "git_version": "unknown", "graph_producer": "378"},
            ("2.3",),
            id="a label that its producer contradicts",
        ),
        pytest.param(
            {"tensorflow_version": "2.1.0", "git_version": "unknown", "graph_producer": "175"},
            ("2.1",),
            id="a label that its producer confirms",
        ),
        pytest.param({"graph_producer": "999999"}, (), id="a producer of the future"),
    ],
)
def test_a_saved_model_is_dated_by_label_and_producer(facts: dict[str, str], lines: tuple[str, ...]) -> None:
    saver = date_artifact(provenance(format="saved-model", evidence=evidence(**facts)))

    assert saver.tensorflow_lines == lines


def test_the_keys_of_a_configuration_date_a_file_without_version() -> None:
    dense = layer(
        "Dense", "activation", "activity_regularizer", "batch_input_shape", "bias_constraint", "bias_initializer",
        "bias_regularizer", "dtype", "kernel_constraint", "kernel_initializer", "kernel_regularizer", "name",
        "trainable", "units", "use_bias",
    )  # fmt: skip
    functional = layer("Functional", "input_layers", "layers", "name", "output_layers", "trainable")

    saver = date_artifact(provenance(objects=(functional, dense)))

    assert "2.3" not in saver.tensorflow_lines
    assert {"2.12", "2.15"} <= set(saver.tensorflow_lines)


GLOROT = layer("GlorotUniform", "seed", kind="initializer")


def test_a_name_that_later_lines_read_for_another_was_written_by_those_that_have_it() -> None:
    normalization = layer(
        "BatchNormalizationV1", "axis", "beta_constraint", "beta_initializer", "beta_regularizer", "center", "dtype",
        "epsilon", "gamma_constraint", "gamma_initializer", "gamma_regularizer", "momentum", "moving_mean_initializer",
        "moving_variance_initializer", "name", "scale", "trainable",
    )  # fmt: skip

    saver = date_artifact(provenance(evidence=evidence(keras_version="2.2.4-tf"), objects=(normalization,)))

    assert saver.keras_lines == ("1.13",)


def test_a_registered_class_is_none_of_keras_whatever_its_name() -> None:
    model = layer("Functional", "name", "layers", "input_layers", "output_layers")
    of_addons = layer(
        "GroupNormalization", "axis", "beta_constraint", "beta_initializer", "beta_regularizer", "center", "dtype",
        "epsilon", "gamma_constraint", "gamma_initializer", "gamma_regularizer", "groups", "name", "scale", "trainable",
    )._replace(registered_name="Addons>GroupNormalization")  # fmt: skip
    windows = [
        date_artifact(provenance(objects=objects)).keras_lines
        for objects in ((model,), (model, of_addons), (model, of_addons._replace(registered_name=None)))
    ]

    assert windows[0] == windows[1] != windows[2]


@pytest.mark.parametrize(
    ("module", "implementations", "lines_in", "lines_out"),
    [
        pytest.param(
            "keras.initializers",
            {"tf.keras", "tf-keras", "keras", "keras-core"},
            {"tf.keras 2.13", "tf-keras 2.16", "keras 3.0"},
            {"tf.keras 2.10", "keras 2.3"},
            id="some",
        ),
        pytest.param(
            None,
            {"tf.keras"},
            {"tf.keras 2.2", "tf.keras 2.12"},
            {"tf.keras 2.13", "tf-keras 2.16", "keras 3.0"},
            id="none",
        ),
    ],
)
def test_the_modules_of_initializers_tell_who_saved(
    module: str | None, implementations: set[str], lines_in: set[str], lines_out: set[str]
) -> None:
    saver = date_artifact(provenance(objects=(GLOROT._replace(module=module),)))
    names = {loader.name for loader in saver.loaders}

    assert {loader.implementation for loader in saver.loaders} == implementations
    assert lines_in <= names
    assert lines_out.isdisjoint(names)


def test_a_saved_model_names_no_modules_whoever_saved_it() -> None:
    facts = evidence(tensorflow_version="2.15.1", keras_version="2.15.0")
    saver = date_artifact(
        provenance(format="saved-model", evidence=facts, objects=(GLOROT,), traits=frozenset({"keras-model"}))
    )

    assert [loader.name for loader in saver.loaders] == ["tf.keras 2.15"]


@pytest.mark.parametrize(
    ("recorded", "line"), [("2.9.0-dev20220227", "2.9"), ("v1.5.0", "1.5"), ("\x1b[31m", None), (None, None)]
)
def test_a_label_names_a_line_or_none(recorded: str | None, line: str | None) -> None:
    assert line_of_label(recorded) == line


@pytest.mark.parametrize(
    ("backend", "implementations"),
    [
        ("theano", {"keras"}),
        ("jax", {"keras", "keras-core"}),
        ("tensorflow", {"tf.keras", "tf-keras", "keras", "keras-core"}),
        ("plaidml.keras.backend", {"tf.keras", "tf-keras", "keras", "keras-core"}),
    ],
)
def test_a_backend_narrows_down_what_can_have_saved(backend: str, implementations: set[str]) -> None:
    saver = date_artifact(provenance(evidence=evidence(backend=backend), objects=(layer("Dense", "units"),)))

    assert {loader.implementation for loader in saver.loaders} == implementations


def test_a_backend_of_keras_2_rules_keras_3_out() -> None:
    saver = date_artifact(provenance(evidence=evidence(backend="cntk"), objects=(layer("Dense", "units"),)))

    assert (saver.implementation, saver.keras_lines) == ("keras", ("2.0", "2.1", "2.2", "2.3"))


def test_nothing_is_claimed_where_nothing_is_known() -> None:
    saver = date_artifact(provenance(format="saved-model"))

    assert (saver.tensorflow_lines, saver.keras_lines, saver.implementation) == ((), (), None)


def test_thousands_of_kinds_of_objects_are_judged_in_bounded_time() -> None:
    objects = tuple(layer("Dense", "units", f"key{number}") for number in range(50_000))
    started = time.process_time()

    date_artifact(provenance(objects=objects))

    assert time.process_time() - started < 2
