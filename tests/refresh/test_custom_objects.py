"""Which objects are found in the sources of a distribution, and in which of its releases."""

from __future__ import annotations

import custom_objects
import pytest
from syntax.packages import Package

from envlock.knowledge.datafiles import read_json, read_toml

EXPORTING = """
from tensorflow import keras
def maybe_register(symbol, package):
    keras.saving.register_keras_serializable(package=package)(symbol)
class export:
    def __init__(self, path, package="kit"):
        self.path, self.package = path, package
    def __call__(self, symbol):
        maybe_register(symbol, self.package)
        return symbol
"""


def found(sources: dict[str, str]) -> list[tuple[str, tuple[str, ...], str, str]]:
    package = Package(sources)
    return [(item.name, item.packages, item.kind, item.module) for item in custom_objects.find_objects(package)]


@pytest.mark.parametrize(
    ("source", "objects"),
    [
        pytest.param("import keras\nclass A(keras.layers.Layer): 1", [("A", (), "layer", "kit.a")], id="a layer"),
        pytest.param(
            "from keras.optimizers import SGD\nclass A(SGD): 1", [("A", (), "optimizer", "kit.a")], id="an optimizer"
        ),
        pytest.param(
            "import tensorflow as tf\nclass B(tf.keras.Model): 1\nclass A(B): 1",
            [("A", (), "model", "kit.a"), ("B", (), "model", "kit.a")],
            id="a chain of bases",
        ),
        pytest.param(
            "import keras\ndef f(layers):\n  class A(layers.Dropout): 1", [("A", (), "layer", "")], id="in a function"
        ),
        pytest.param("import keras\nclass _A(keras.layers.Layer): 1\nclass B: 1", [], id="what nobody saves"),
        pytest.param(
            "import keras\n@keras.utils.register_keras_serializable('Kit', 'B')\nclass A: 1",
            [("B", ("Kit",), "object", "kit.a")],
            id="registered by another name",
        ),
        pytest.param(
            "import keras\n@keras.utils.register_keras_serializable()\ndef a(): 1",
            [("a", ("Custom",), "function", "kit.a")],
            id="a registered function",
        ),
        pytest.param(
            EXPORTING + "@export('kit.A')\nclass A(keras.layers.Layer): 1",
            [("A", ("kit",), "layer", "kit.a")],
            id="a decorator of its own",
        ),
        pytest.param(
            "import keras\ndef a(): 1\nkeras.utils.get_custom_objects().update({'a': a})",
            [("a", (), "object", "kit.a")],
            id="put among the custom objects",
        ),
    ],
)
def test_objects_are_found(source: str, objects: list[tuple[str, tuple[str, ...], str, str]]) -> None:
    assert found({"kit/a.py": source}) == objects


@pytest.mark.parametrize(
    ("above", "module"),
    [
        ("", "kit.layers.b"),
        ("from .layers.b import B", "kit"),
        ("from .layers import *", "kit.layers.b"),
        ("from .layers.b import *", "kit"),
    ],
)
def test_the_shortest_module_is_told(above: str, module: str) -> None:
    layer = "import keras\nclass B(keras.layers.Layer): 1"
    sources = {"kit/__init__.py": above, "kit/layers/__init__.py": "", "kit/layers/b.py": layer}

    assert found(sources) == [("B", (), "layer", module)]


def test_releases_are_told_apart_and_names_of_keras_need_a_package() -> None:
    first = "import keras\nclass A(keras.layers.Layer): 1\nclass Dense(keras.layers.Layer): 1"
    last = "import keras\n@keras.utils.register_keras_serializable('Kit')\nclass Dense(keras.layers.Layer): 1"
    sources = {"1.0": {"kit.py": first}, "2.0": {"kit.py": last}}

    table = custom_objects.build_table(
        [{"distribution": "kit", "read": ["1.0", "2.0"]}],
        lambda _, version: sources[version],
        native=frozenset({"Dense"}),
    )

    assert table == {
        "versions": {"kit": ["1.0", "2.0"]},
        "objects": {"A": [["kit", "layer", "kit", [], [[0, 0]]]]},
        "homonyms": {"Dense": [["kit", "layer", "kit", ["Kit"], [[0, 1]]]]},
    }


def test_the_generated_table_says_what_the_curated_one_says() -> None:
    curated = read_toml("custom_objects.toml")["provider"]

    assert read_json("custom_objects.json")["providers"] == custom_objects.described(curated), "run it with --join"
