"""Recognised weights find their places in a model of ``tf.keras.applications``, or it is said that they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlock.inspection import inspect
from envlock.knowledge.networks import all_networks
from envlock.networks.mapping import MappedLayer, WeightMapping, find_mapping, map_weights, mapping_for
from envlock.networks.recognition import find_network
from envlock.networks.stored_weights import StoredLayer, StoredVariable
from tests.building import provenance
from tests.networks.test_recognition import network, stored

INDEX = Path(__file__).parent.parent / "assets/networks/vgg_16.ckpt.index"


def mapped(layers: list[StoredLayer], line: str = "2.4") -> WeightMapping | None:
    found = find_network(layers)
    assert found is not None
    return map_weights(found, line)


def test_a_checkpoint_of_tf_slim_fills_the_same_network_of_keras() -> None:
    mapping = find_mapping(INDEX, inspect(INDEX).provenance, "2.4")

    assert mapping is not None
    assert mapping.expression == "tf.keras.applications.VGG16(weights=None, classes=1000)"
    assert mapping.layers[0] == MappedLayer(
        "block1_conv1", ("vgg_16/conv1/conv1_1/weights", "vgg_16/conv1/conv1_1/biases")
    )
    assert mapping.layers[-3:] == (
        MappedLayer("fc1", ("vgg_16/fc6/weights", "vgg_16/fc6/biases")),
        MappedLayer("fc2", ("vgg_16/fc7/weights", "vgg_16/fc7/biases")),
        MappedLayer("predictions", ("vgg_16/fc8/weights", "vgg_16/fc8/biases")),
    )
    assert (len(mapping.layers), mapping.left, mapping.differences) == (16, (), "")


@pytest.mark.parametrize("name", ["vgg_16", "vgg_19", "resnet_v1_50", "resnet_v2_50", "inception_v3"])
def test_every_layer_of_the_model_is_filled(name: str) -> None:
    mapping = mapped(stored(network(name)))

    assert mapping is not None
    assert [layer.name for layer in mapping.layers if not layer.keys] == []
    auxiliary = [key for key in mapping.left if "/AuxLogits/" not in key]
    assert auxiliary == []


def test_what_one_has_and_the_other_lacks_stays_as_it_is_made() -> None:
    mapping = mapped(stored(network("resnet_v1_50")))

    assert mapping is not None
    assert mapping.layers[0] == MappedLayer("conv1_conv", ("resnet_v1_50/conv1/weights", None))
    assert mapping.differences.startswith("TF-slim halves the image in the last unit of a block")


def test_the_classifier_has_as_many_classes_as_were_stored() -> None:
    mapping = mapped(stored(network("MobileNet", alpha=0.25), classes=7))

    assert mapping is not None
    assert mapping.expression == "tf.keras.applications.MobileNet(weights=None, alpha=0.25, classes=7)"


def test_without_a_classifier_the_model_has_none() -> None:
    mapping = mapped(stored(network("VGG16"))[:-3])

    assert mapping is not None
    assert mapping.expression == "tf.keras.applications.VGG16(weights=None, include_top=False)"
    assert (len(mapping.layers), mapping.layers[-1].name) == (13, "block5_conv3")


def test_what_is_no_part_of_the_network_is_left() -> None:
    head = StoredLayer("head", (StoredVariable("head/kernel", "kernel", (5, 5)),))

    mapping = mapped([*stored(network("VGG16")), head])

    assert mapping is not None
    assert mapping.left == ("head/kernel",)


@pytest.mark.parametrize(
    ("more", "is_mapped"), [([], True), ([StoredLayer("head", (StoredVariable("head", "kernel", (5, 5)),))], False)]
)
def test_keras_fills_a_model_only_from_a_file_of_that_model(more: list[StoredLayer], is_mapped: bool) -> None:
    found = find_network([*stored(network("MobileNet", alpha=0.25)), *more])
    weights = provenance(content="weights")

    assert found is not None
    assert (mapping_for(found, weights, "2.4") is not None) == is_mapped


def test_a_layer_that_is_missing_keeps_random_values() -> None:
    mapping = mapped([layer for layer in stored(network("ResNet50")) if layer.name != "conv1_conv"])

    assert mapping is not None
    assert [layer.name for layer in mapping.layers if not layer.keys] == ["conv1_conv"]


def test_a_line_that_calls_its_layers_otherwise_takes_the_weights() -> None:
    mapping = mapped(stored(network("MobileNet", alpha=0.25)), line="2.21")

    assert mapping is not None
    assert [layer.name for layer in mapping.layers if not layer.keys] == []


def test_a_classifier_of_another_name_is_the_classifier() -> None:
    (old,) = (item for item in all_networks() if item.name == "ResNet50" and item.lines == ("1.15",))

    mapping = mapped(stored(old))

    assert mapping is not None
    assert mapping.layers[-1] == MappedLayer("predictions", ("probs/kernel", "probs/bias"))


def test_no_model_is_built_where_a_line_builds_the_network_in_another_order() -> None:
    found = find_network(stored(network("ResNet50")))

    assert found is not None
    reversed_layers = found.network.layers[::-1]
    assert map_weights(found._replace(network=found.network._replace(layers=reversed_layers)), "2.4") is None


def test_a_line_before_the_network_has_no_model_of_it() -> None:
    assert mapped(stored(network("VGG16")), line="1.4") is None


@pytest.mark.parametrize("name", ["alexnet_v2", "overfeat", "inception_v1"])
def test_a_network_that_keras_lacks_has_no_model(name: str) -> None:
    assert mapped(stored(network(name))) is None


def test_no_model_is_built_where_another_layer_than_the_classifier_has_other_shapes() -> None:
    first, *others = stored(network("VGG16"))
    gray = tuple(
        item._replace(shape=(3, 3, 1, 64) if item.role == "kernel" else item.shape) for item in first.variables
    )

    assert mapped([first._replace(variables=gray), *others]) is None


def test_networks_are_told_apart() -> None:
    """Two rows that no name and no shape tells apart would be one."""
    rows = [(item.provider, item.name, tuple(item.arguments.items()), item.layers) for item in all_networks()]

    assert len({repr(row) for row in rows}) == len(rows)
