"""Published networks are recognised by the names and shapes of their variables, and by nothing less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from envlock.inspection import inspect
from envlock.knowledge.networks import Network, all_networks
from envlock.networks.recognition import RecognisedNetwork, find_network, recognise_network
from envlock.networks.stored_weights import StoredLayer, StoredVariable

ASSETS = Path(__file__).parent.parent / "assets"


def network(name: str, **arguments: float) -> Network:
    """The network of that name: of TF-slim, or as TensorFlow 2.4 has it."""
    found = [item for item in all_networks() if item.name == name and (not arguments or item.arguments == arguments)]
    return next(item for item in found if item.provider == "tf_slim.nets" or "2.4" in item.lines)


def stored(network: Network, *, scope: str = "", classes: int | None = None) -> list[StoredLayer]:
    """The layers of *network* as a checkpoint of names has them, with another number of *classes* in the last one."""
    layers = [StoredLayer(scope + name, variables) for name, variables in named(network)]
    if classes is not None:
        last = layers[-1]
        changed = tuple(item._replace(shape=(*(item.shape or ())[:-1], classes)) for item in last.variables)
        layers[-1] = last._replace(variables=changed)
    return layers


def named(network: Network) -> Iterator[tuple[str, tuple[StoredVariable, ...]]]:
    for layer in network.layers:
        base, _, rank = layer.name.partition("#")
        # Keras goes on numbering from one model to the next.
        name = f"{base}_{int(rank) + 12}" if rank else base
        yield name, tuple(StoredVariable(f"{name}/{role}", role, shape) for role, shape in layer.variables.items())


def by_place(network: Network) -> list[StoredLayer]:
    """The layers as a checkpoint of objects numbers them."""
    return [
        StoredLayer(
            f"model/layer_with_weights-{place}",
            tuple(StoredVariable(role, role, shape) for role, shape in layer.variables.items()),
        )
        for place, layer in enumerate(network.in_model_order)
    ]


def described(found: RecognisedNetwork | None) -> tuple[str, int, int] | None:
    """Its name, how many variables match, and how many classes it tells apart."""
    return found and (found.network.name, found.variable_count, found.classes)


@pytest.mark.parametrize("item", all_networks(), ids=lambda item: f"{item.provider}-{item.name}-{item.lines[-1]}")
def test_every_network_is_recognised_by_its_own_names(item: Network) -> None:
    found = find_network(stored(item, scope="tower_0/"))

    assert found is not None
    assert (found.network.name, found.network.arguments) == (item.name, item.arguments)
    assert (found.variable_count, found.missing, found.others) == (item.variable_count, (), ())


@pytest.mark.parametrize("name", ["VGG16", "ResNet50", "InceptionV3", "MobileNet"])
def test_a_checkpoint_of_objects_is_recognised_by_the_places_of_its_layers(name: str) -> None:
    item = network(name)

    assert described(find_network(by_place(item))) == (name, item.variable_count, 1000)


@pytest.mark.parametrize("name", ["VGG16", "vgg_16", "resnet_v1_50", "ResNet50"])
def test_another_number_of_classes_is_told(name: str) -> None:
    item = network(name)
    last = item.layers[-1]

    found = find_network(stored(item, classes=10))

    assert described(found) == (name, item.variable_count - len(last.variables), 10)
    assert found is not None
    assert list(found.changed) == [last.name]


def test_a_network_without_its_classifier_is_recognised() -> None:
    found = find_network(stored(network("VGG16"))[:-3])

    assert found is not None
    assert (found.missing, found.has_classifier) == (("fc1", "fc2", "predictions"), False)


def test_layers_beside_the_network_are_told() -> None:
    head = StoredLayer("head", (StoredVariable("head/kernel", "kernel", (2048, 3)),))

    found = find_network([*stored(network("resnet_v1_50"), scope="FeatureExtractor/"), head])

    assert found is not None
    assert (found.network.name, found.others) == ("resnet_v1_50", (head,))


def test_the_longest_of_several_networks_that_begin_alike_is_it() -> None:
    assert described(find_network(stored(network("resnet_v1_101")))) == ("resnet_v1_101", 522, 1000)


LAYERS = stored(network("ResNet50"))


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param([], id="nothing"),
        pytest.param(LAYERS[: len(LAYERS) // 2], id="half of a network"),
        pytest.param([layer for place, layer in enumerate(LAYERS) if place % 5], id="one layer in five missing"),
        pytest.param([layer._replace(name=f"layer_{place}") for place, layer in enumerate(LAYERS)], id="other names"),
        pytest.param(
            [
                layer._replace(variables=tuple(item._replace(shape=(7, 7)) for item in layer.variables))
                for layer in LAYERS
            ],
            id="other shapes",
        ),
    ],
)
def test_what_only_resembles_a_network_is_none(layers: Sequence[StoredLayer]) -> None:
    assert find_network(layers) is None


@pytest.mark.parametrize(
    "names",
    [["/" * 100_000], ["conv2d_" + "9" * 10_000], [f"layer/{number}" for number in range(20_000)]],
    ids=["a name of many parts", "a number without end", "very many layers"],
)
def test_names_that_were_made_to_cost_time_are_none(names: list[str]) -> None:
    variables = (StoredVariable("kernel", "kernel", (1,)),)

    assert find_network([StoredLayer(name, variables) for name in names]) is None


def test_a_checkpoint_is_recognised_by_its_index_alone() -> None:
    path = ASSETS / "networks/vgg_16.ckpt.index"

    assert described(recognise_network(path, inspect(path).provenance)) == ("vgg_16", 32, 1000)


@pytest.mark.parametrize("name", ["keras/tf-2.3-weights.h5", "keras/tf-2.13.weights.h5", "checkpoints/1.15"])
def test_weights_of_ones_own_are_those_of_no_network(name: str) -> None:
    path = ASSETS / name

    assert recognise_network(path, inspect(path).provenance) is None


def test_a_whole_model_needs_no_recognition() -> None:
    path = ASSETS / "keras/tf-2.3-functional.h5"

    assert recognise_network(path, inspect(path).provenance) is None
