"""Weights are held against the architecture that they are to go into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envlock.diagnosis.diagnose import Diagnosis, Question, diagnose
from envlock.diagnosis.weight_layers import find_misfits
from envlock.inspection import inspect
from envlock.knowledge.weight_shapes import weight_shapes
from envlock.provenance import ConfigObject, Provenance
from envlock.reporter import SilentReporter
from tests.building import layer, provenance

KERAS = Path(__file__).parents[1] / "assets/keras"
OLD = KERAS / "tf-2.3-weights.h5"
"""Of dense_3 with a kernel of (3, 2), and dense_4 with one of (2, 1)."""

TREE = KERAS / "tf-2.13.weights.h5"
"""The same in the layout of ``.weights.h5``."""


def architecture(*layers: tuple[str, dict[str, Any]]) -> Provenance:
    """A model of these classes with these settings."""
    return provenance(
        format="keras-json",
        content="architecture",
        objects=(
            layer("Sequential", location="config"),
            *(placed(name, number, settings) for number, (name, settings) in enumerate(layers)),
        ),
    )


def placed(class_name: str, number: int, settings: dict[str, Any]) -> ConfigObject:
    return layer(class_name, location=f"config.config.layers[{number}]", settings=tuple(sorted(settings.items())))


def dense(name: str, units: int, **more: Any) -> tuple[str, dict[str, Any]]:
    return "Dense", {"name": name, "units": units, **more}


FLAT: tuple[str, dict[str, Any]] = ("Flatten", {"name": "flat"})
OWN: tuple[str, dict[str, Any]] = ("Scale", {"name": "scale"})


@pytest.mark.parametrize("weights", [OLD, TREE], ids=["old layout", "tree"])
@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        pytest.param([dense("dense_3", 2), dense("dense_4", 1)], [], id="the same"),
        pytest.param([FLAT, dense("hidden", 2), FLAT, dense("out", 1)], [], id="other names"),
        pytest.param(
            [dense("dense_3", 4), dense("dense_4", 1)],
            ["layer dense_3 takes (any, 4), (4), and the file has{name} (3, 2), (2)"],
            id="another size",
        ),
        pytest.param(
            [dense("dense_3", 2, use_bias=False), dense("dense_4", 1)],
            ["layer dense_3 takes (any, 2), and the file has{name} (3, 2), (2)"],
            id="no bias",
        ),
    ],
)
def test_each_layer_that_takes_other_shapes_is_named(
    weights: Path, layers: list[tuple[str, dict[str, Any]]], expected: list[str]
) -> None:
    found = [misfit.told for misfit in find_misfits(weights, architecture(*layers))]

    # The tree names layers by class and number.
    assert found == [told.format(name=" dense" if weights == TREE else "") for told in expected]


@pytest.mark.parametrize(
    ("weights", "layers", "expected"),
    [
        (OLD, [dense("a", 2)], "the file has weights of 2 layers, and 1 of the architecture take some"),
        (OLD, [dense("a", 2)] * 3, "the file has weights of 2 layers, and 3 of the architecture take some"),
        (
            OLD,
            [dense("a", 2), dense("b", 1), dense("c", 1), OWN],
            "the file has weights of 2 layers, and 3 of the architecture take some",
        ),
        (TREE, [dense("a", 2)], "the file has weights of 2 dense layers, and the architecture has 1 of them"),
    ],
)
def test_another_number_of_layers_is_told(
    weights: Path, layers: list[tuple[str, dict[str, Any]]], expected: str
) -> None:
    assert [misfit.told for misfit in find_misfits(weights, architecture(*layers))] == [expected]


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param([OWN, dense("out", 3)], id="a class of one's own may have any weights"),
        pytest.param([], id="a subclassed model does not tell its layers"),
        pytest.param([dense("dense_3", 7, lora_rank=2), dense("dense_4", 1)], id="a setting that changes the weights"),
        pytest.param([dense("a", 7), ("QuantizedDTypePolicy", {})], id="quantized kernels"),
    ],
)
def test_where_too_little_is_known_nothing_is_said(layers: list[tuple[str, dict[str, Any]]]) -> None:
    assert list(find_misfits(OLD, architecture(*layers))) == []


def test_with_a_class_of_ones_own_layers_go_by_their_names() -> None:
    layers = [OWN, dense("dense_4", 3)]

    assert [misfit.told for misfit in find_misfits(OLD, architecture(*layers))] == [
        "layer dense_4 takes (any, 3), (3), and the file has (2, 1), (1)"
    ]


@pytest.mark.parametrize(
    "name",
    [path.name for path in sorted(KERAS.glob("*.h5")) if "weights" not in path.name and "custom" not in path.name],
)
def test_every_model_fits_its_own_architecture(name: str) -> None:
    assert list(find_misfits(KERAS / name, inspect(KERAS / name).provenance)) == []


@pytest.mark.parametrize(
    ("class_name", "settings", "shapes"),
    [
        ("Conv2D", {"filters": 8}, ((None, None, None, 8), (8,))),
        ("Conv2D", {"filters": 8, "use_bias": False}, ((None, None, None, 8),)),
        ("LSTM", {"units": 3}, ((None, 12), (3, 12), None)),
        ("Embedding", {"input_dim": 5, "output_dim": 2}, ((5, 2),)),
        (
            "SeparableConv2D",
            {"filters": 8, "depth_multiplier": 2, "use_bias": False},
            ((None, None, None, 2), (1, 1, None, 8)),
        ),
        ("BatchNormalization", {"scale": False}, (None, None, None)),
        ("Flatten", {}, ()),
        ("Dense", {"output_dim": 3}, None),
        ("BatchNormalization", {"renorm": True}, None),
        ("Scale", {}, None),
    ],
)
def test_the_shapes_follow_from_the_settings(class_name: str, settings: dict[str, Any], shapes: object) -> None:
    assert weight_shapes(class_name, settings) == shapes


def ask(**named: Any) -> Diagnosis:
    return diagnose(Question(**named), SilentReporter())


def test_the_diagnosis_says_which_layer_and_shapes() -> None:
    found = ask(path=OLD, architecture=KERAS / "tf-1.15-sequential.h5")

    assert {(cause.reference, cause.likelihood) for cause in found.causes} == {("layer-count", "confirmed")}
    assert found.causes[0].evidence == ("the file has weights of 2 layers, and 3 of the architecture take some",)
    assert found.causes[0].remedies[-1].commands == ("model.load_weights(path, by_name=True, skip_mismatch=True)",)


def test_weights_that_fit_are_not_blamed_for_being_weights() -> None:
    assert ask(path=OLD, architecture=OLD.parent / "tf-2.3-weights.h5").causes == ()
