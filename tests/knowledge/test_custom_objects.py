"""Who brings which class or function to Keras."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from envlock.knowledge.custom_objects import find_provider, module_of, providers_of
from envlock.knowledge.datafiles import read_json, read_toml


@pytest.mark.parametrize(
    ("name", "kind", "distributions"),
    [
        pytest.param("Addons>GELU", "layer", ["tensorflow-addons"], id="registered"),
        pytest.param("Addons>NotYetRead", "layer", ["tensorflow-addons"], id="a package tells by itself"),
        pytest.param("Addons>GroupNormalization", "layer", ["tensorflow-addons"], id="a name that Keras has too"),
        pytest.param("GroupNormalization", "optimizer", [], id="of another kind"),
        pytest.param("Dense", "layer", [], id="of Keras"),
        pytest.param("KerasLayer", "layer", ["tensorflow-hub"], id="never registered"),
        pytest.param("QDense", "layer", ["qkeras"], id="passed as a custom object"),
        pytest.param("PELU", "layer", ["keras-contrib"], id="not on the index"),
        pytest.param("relu6", "function", ["keras"], id="of an application of Keras"),
        pytest.param("Unheard>Of", None, [], id="unknown"),
    ],
)
def test_distributions_are_found_by_name(name: str, kind: str | None, distributions: list[str]) -> None:
    assert [provider.distribution for provider in providers_of(name, kind)] == distributions


def test_an_ambiguous_name_lists_all_in_order_of_preference() -> None:
    providers = providers_of("InstanceNormalization", "layer")

    assert next(item.distribution for item in providers) == "tensorflow-addons"
    assert {item.distribution for item in providers} >= {"tensorflow-addons", "keras-contrib"}
    assert not any(item.is_certain for item in providers)


@pytest.mark.parametrize(
    ("class_name", "registered_name", "distribution"),
    [
        ("GELU", "Addons>GELU", "tensorflow-addons"),
        ("GELU", None, None),
        ("FixedDropout", None, "efficientnet"),
        ("Scale", "Custom>Scale", None),
        ("TransformerBlock", None, None),
    ],
)
def test_only_a_certain_provider_is_taken_unasked(
    class_name: str, registered_name: str | None, distribution: str | None
) -> None:
    assert find_provider(class_name, registered_name) == distribution


def test_a_provider_tells_the_import() -> None:
    assert module_of("efficientnet") == "efficientnet.tfkeras"
    assert [provider.module for provider in providers_of("PruneLowMagnitude")] == [
        "tensorflow_model_optimization.python.core.sparsity.keras.pruning_wrapper"
    ]


def test_what_is_not_on_the_index_comes_by_reference() -> None:
    (provider,) = providers_of("PELU")

    assert provider.requirement == "keras-contrib @ git+https://github.com/keras-team/keras-contrib"


def test_every_generated_row_has_a_curated_distribution_and_lies_in_its_releases() -> None:
    table, curated = read_json("custom_objects.json"), read_toml("custom_objects.toml")["provider"]
    assert table["versions"] == {row["distribution"]: row["read"] for row in curated if "read" in row}
    for rows in (*table["objects"].values(), *table["homonyms"].values()):
        for distribution, *_, spans in rows:
            flat = [index for span in spans for index in span]
            assert flat == sorted(flat)
            assert flat[-1] < len(table["versions"][distribution])


def test_every_claim_stands_for_something() -> None:
    table = read_json("custom_objects.json")["objects"]
    for row in read_toml("custom_objects.toml")["provider"]:
        for claim in row.get("claims", ()):
            names = [name for name, rows in table.items() if any(found[0] == row["distribution"] for found in rows)]
            assert any(fnmatchcase(name, claim) for name in [*names, *row.get("objects", ())]), claim
