"""What the probe prints of built networks becomes a table: lines that build a network alike share a row."""

from __future__ import annotations

from typing import Any

from networks import assemble, number_by_rank


def built(version: str, *names: str, order: list[int] | None = None) -> dict[str, Any]:
    """A network of convolutions with these *names*, as the probe describes it."""
    layers = [[name, "Conv2D", [["kernel", [3, 3, 1, 2]]]] for name in names]
    return {
        "provider": "tf.keras.applications",
        "version": version,
        "name": "Net",
        "arguments": {},
        "layers": layers,
        "order": order or [*range(len(names))],
    }


def test_lines_that_build_a_network_alike_share_a_row() -> None:
    table = assemble([built("2.10.1", "a", "b"), built("2.4.4", "a", "b"), built("1.15.5", "a", "c")])

    assert table["kinds"] == [["Conv2D", [["kernel", [3, 3, 1, 2]]]]]
    assert [(row["layers"], row["lines"]) for row in table["networks"]] == [
        ({"a": 0, "b": 0}, ["2.4", "2.10"]),
        ({"a": 0, "c": 0}, ["1.15"]),
    ]


def test_the_numbers_of_keras_tell_the_order_alone() -> None:
    layers = [("conv2d_13", "Conv2D"), ("stem", "Conv2D"), ("conv2d_2", "Conv2D"), ("dense", "Dense")]

    assert number_by_rank(layers) == ["conv2d#1", "stem", "conv2d#0", "dense#0"]


def test_an_order_of_its_own_is_kept() -> None:
    rows = assemble([built("2.4.4", "a", "b", order=[1, 0])])["networks"]

    assert rows[0]["order"] == [1, 0]
