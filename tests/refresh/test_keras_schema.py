"""What is read from the sources of Keras, on sources small enough to see the answer."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest
from keras_schema import Release, exports, join_schemas, read_release
from syntax.handled_keys import read_handled_keys
from syntax.modules import Definition, SourceTree
from syntax.signatures import read_signature
from syntax.written_keys import Keys, read_written_keys

LAYER = """
class Layer:
    def __init__(self, trainable=True, name=None, **kwargs):
        allowed = {"input_shape", "weights"}
        for name in kwargs:
            if name not in allowed:
                raise TypeError(name)

    def get_config(self):
        config = {"name": self.name, "trainable": self.trainable}
        if hasattr(self, "dtype"):
            config["dtype"] = self.dtype
        return config

    @classmethod
    def from_config(cls, config):
        return cls(**config)
"""


def tree_of(**sources: str) -> SourceTree:
    """Modules ``keras.<name>``; ``layer`` is always there."""
    texts = {"keras": "", "keras.layer": LAYER} | {f"keras.{name}": dedent(text) for name, text in sources.items()}
    return SourceTree(texts)


def made(body: str) -> tuple[SourceTree, Definition]:
    """A class ``Made`` in a module of its own."""
    tree = tree_of(made="from keras.layer import Layer\n\n" + dedent(body))
    found = tree.resolve("keras.made", "Made")
    assert found is not None
    return tree, found


@pytest.mark.parametrize(
    ("body", "accepted", "required", "is_open"),
    [
        (
            "class Made(Layer):\n  def __init__(self, units, use_bias=True, **kwargs):\n    super().__init__(**kwargs)",
            {
                "units": "None",
                "use_bias": "True",
                "trainable": "True",
                "name": "None",
                "input_shape": "None",
                "weights": "None",
            },
            {"units"},
            False,
        ),
        (
            "class Made(Layer):\n  def __init__(self, **kwargs):\n    super(Made, self).__init__(True, name='x', **kwargs)",
            {"input_shape": "None", "weights": "None"},
            set(),
            False,
        ),
        (
            "class Made(Layer):\n  def __init__(self, **kwargs):\n    Layer.__init__(self, name='x', **kwargs)",
            {"trainable": "True", "input_shape": "None", "weights": "None"},
            set(),
            False,
        ),
        (
            "class Made:\n  def __init__(self, **kwargs):\n    self.lr = kwargs.pop('lr', 0.5)\n"
            "    if kwargs:\n      raise ValueError",
            {"lr": "0.5"},
            set(),
            False,
        ),
        (
            "class Made:\n  def __init__(self, **kwargs):\n    if 'decay' in kwargs:\n      raise ValueError\n"
            "    validate_kwargs(kwargs, {'lr'})",
            {"lr": "None"},
            set(),
            False,
        ),
        (
            "class Made:\n  def __init__(self, name, **kwargs):\n    self._check(kwargs)\n"
            "  def _check(self, rest):\n    rest.pop('lr', None)\n    for key in rest:\n      raise TypeError(key)",
            {"name": "None", "lr": "None"},
            {"name"},
            False,
        ),
        (
            "class Made:\n  def __init__(self, name=None, **kwargs):\n    self.rest = kwargs",
            {"name": "None"},
            set(),
            True,
        ),
        ("class Made:\n  pass", {}, set(), False),
    ],
)
def test_keywords_are_those_of_the_class_and_what_it_passes_on(
    body: str, accepted: dict[str, str], required: set[str], is_open: bool
) -> None:
    signature = read_signature(*made(body))

    assert (signature.accepted, signature.required, signature.is_open) == (accepted, required, is_open)


@pytest.mark.parametrize(
    ("body", "always", "sometimes"),
    [
        ("return {'a': 1, **super().get_config()}", {"a", "name", "trainable"}, {"dtype"}),
        (
            "config = {'a': 1}\nbase = super(Made, self).get_config()\n"
            "return dict(list(base.items()) + list(config.items()))",
            {"a", "name", "trainable"},
            {"dtype"},
        ),
        (
            "config = super().get_config()\nconfig.update({'a': 1})\nconfig.pop('name')\nreturn config",
            {"a", "trainable"},
            {"dtype"},
        ),
        (
            "config = {'a': 1}\nif self.b:\n  config['b'] = self.b\nelse:\n  config['c'] = 1\nreturn config",
            {"a"},
            {"b", "c"},
        ),
        ("if self.a:\n  return {'a': 1, 'x': 1}\nreturn {'b': 1, 'x': 1}", {"x"}, {"a", "b"}),
        ("if not self.a:\n  raise ValueError\nreturn dict(a=1)", {"a"}, set()),
        ("config = {}\nfor key in ('a', 'b'):\n  config[key] = getattr(self, key)\nreturn config", {"a", "b"}, set()),
        (
            "config = Layer.get_config(self)\ndel config['name']\nconfig.update(self._more())\nreturn config",
            {"trainable"},
            {"dtype", "more"},
        ),
        ("config = {'a': self.a}\nconfig['a'] = serialize({'class_name': 1})\nreturn config", {"a"}, set()),
    ],
)
def test_keys_are_written_always_or_under_a_condition(body: str, always: set[str], sometimes: set[str]) -> None:
    method = "  def get_config(self):\n" + "\n".join(f"    {line}" for line in body.splitlines())
    more = "  def _more(self):\n    return {'more': 1} if self.more else {}"

    assert read_written_keys(*made(f"class Made(Layer):\n{method}\n{more}")) == Keys(
        frozenset(always), frozenset(sometimes)
    )


def test_a_wrapper_of_functions_writes_the_arguments_of_the_function() -> None:
    body = """
        class Wrapper:
            def __init__(self, fn, name=None, **kwargs):
                self._fn_kwargs = kwargs

            def get_config(self):
                config = {"name": self.name}
                for key, value in self._fn_kwargs.items():
                    config[key] = value
                return config


        class Made(Wrapper):
            def __init__(self, delta=1.0, name="made"):
                super().__init__(loss, name=name, delta=delta)
    """

    assert read_written_keys(*made(body)) == Keys(frozenset({"name", "delta"}))


@pytest.mark.parametrize(
    ("maker", "always"),
    [
        ("self, dtype, *, name=None", {"name"}),
        ("self, dtype, **kwargs", {"name"}),
        ("self, dtype", set()),
    ],
)
def test_a_configuration_that_keras_makes_up_has_a_name_where_one_is_taken(maker: str, always: set[str]) -> None:
    body = f"""
        class Operation:
            def get_config(self):
                config = {{"name": self.name}}
                config.update(self._auto_config.config)
                return config

        class Made(Operation):
            def __init__({maker}):
                self.dtype = dtype
    """

    assert read_written_keys(*made(body)) == Keys(frozenset(always), frozenset({"dtype"}))


@pytest.mark.parametrize(
    ("body", "touched", "subscripted"),
    [
        ("layer = config['layer']\nreturn cls(layer)", {"layer"}, {"layer"}),
        ("layer = config.pop('layer')\nreturn cls(layer, **config)", {"layer"}, {"layer"}),
        ("config.pop('dtype', None)\nreturn cls(**config)", {"dtype"}, set()),
        ("if 'a' in config and config['a'] == 0:\n  config['a'] = 1\nreturn cls(**config)", {"a"}, set()),
        ("if 'a' not in config:\n  config['a'] = 1\nreturn cls(config['a'])", {"a"}, set()),
        ("if cls.b:\n  config['a']\nreturn cls(**config)", {"a"}, set()),
        ("config = config.copy()\nreturn cls(config['a'])", {"a"}, {"a"}),
        ("config = other()\nreturn cls(config['a'])", set(), set()),
        ("return cls._made_of(config)", {"deep"}, {"deep"}),
        ("return cls(cls._named(config, 'a', 'b'))", {"a", "b"}, {"a"}),
        ("if 'b' in config:\n  b = cls._named(config, 'a', 'b')\nreturn cls(**config)", {"a", "b"}, set()),
        ("return cls(cls._named(config, cls.a, 'b'))", {"b"}, set()),
        ("return cls(cls._renamed(config, 'a'))", set(), set()),
        ("config['a'] = deserialize_keras_object(config)\nreturn cls(**config)", {"a"}, set()),
        ("return super().from_config(config)", set(), set()),
    ],
)
def test_a_configuration_without_a_subscripted_key_raises(body: str, touched: set[str], subscripted: set[str]) -> None:
    method = "  @classmethod\n  def from_config(cls, config):\n" + "\n".join(
        f"    {line}" for line in body.splitlines()
    )
    helpers = """
  @classmethod
  def _made_of(cls, given):
    return cls(given['deep'])

  @classmethod
  def _named(cls, given, needed, other):
    given.get(other)
    return given[needed]

  @classmethod
  def _renamed(cls, given, key):
    key = cls.key
    return given[key]
"""
    handled = read_handled_keys(*made(f"class Made(Layer):\n{method}\n{helpers}"))

    assert (handled.touched, handled.subscripted) == (touched, subscripted)


@pytest.mark.parametrize(
    ("decorator", "names"),
    [
        ("@keras_export('keras.layers.Made')", {1: ["keras.layers.Made"], 2: ["keras.layers.Made"]}),
        ("@keras_export('keras.layers.Made', v1=[])", {2: ["keras.layers.Made"]}),
        ("@keras_export(v1=['keras.layers.Made'])", {1: ["keras.layers.Made"]}),
        (
            "@keras_export(['keras.Made', 'keras.a.Made'])",
            {1: ["keras.Made", "keras.a.Made"], 2: ["keras.Made", "keras.a.Made"]},
        ),
        ("@tf_export('keras.layers.Made', 'nn.Made')", {1: ["keras.layers.Made"], 2: ["keras.layers.Made"]}),
        ("@tf_export('nn.Made')", {}),
    ],
)
def test_names_are_exported_for_one_generation_of_the_interface_or_both(
    decorator: str, names: dict[int, list[str]]
) -> None:
    assert exports(made(f"{decorator}\nclass Made:\n  pass")[1]) == names


def test_a_name_is_followed_through_imports_packages_and_assignments() -> None:
    tree = tree_of(
        core="class Dense:\n  pass\nFull = Dense",
        layers="from keras.core import *\nfrom .core import Full as Fuller",
        model="from keras import layers as known\nBest = known.Fuller",
    )

    assert [tree.resolve("keras.model", name) for name in ("Best", "known.Dense", "known.Missing")] == [
        tree.resolve("keras.core", "Dense"),
        tree.resolve("keras.core", "Dense"),
        None,
    ]


def test_a_class_asks_its_bases_in_the_order_of_python() -> None:
    tree, _ = made("class A: pass\nclass B(A): pass\nclass C(A): pass\nclass Made(B, C, Unknown): pass")
    found = tree.resolve("keras.made", "Made")
    assert found is not None

    assert [item.name for item in tree.resolution_order(found)] == ["Made", "B", "C", "A"]


EMPTY_MODULES = dict.fromkeys(("activations", "constraints", "initializers", "metrics", "regularizers"), "")


def schema_of(**sources: str) -> dict[str, Any]:
    return read_release(tree_of(**(EMPTY_MODULES | sources)), generation=2)


def test_classes_of_one_name_are_one_row() -> None:
    schema = schema_of(
        losses="""
            class Loss:
                pass

            @keras_export("keras.losses.Huber")
            class Huber(Loss):
                def __init__(self, delta=1.0, name="loss"):
                    pass

                def get_config(self):
                    return {"delta": 1, "name": 1}
        """,
        old_losses="""
            from keras.losses import Loss

            class Huber(Loss):
                def __init__(self, name="old", axis=-1):
                    pass

                def get_config(self):
                    return {"axis": 1, "name": 1}
        """,
    )

    assert schema["classes"]["Huber"] == {
        "k": "loss",
        "a": {"delta", "name", "axis"},
        "r": set(),
        "o": False,
        "d": {"delta": "1.0", "name": "'loss'", "axis": "-1"},
        "g": {"name"},
        "c": {"axis", "delta"},
        "f": set(),
        "s": set(),
        "m": {"keras.losses"},
    }


def test_functions_and_other_names_are_those_that_can_be_looked_up() -> None:
    schema = schema_of(
        losses="""
            @keras_export("keras.losses.mean_squared_error", "keras.metrics.mse")
            def mean_squared_error(y_true, y_pred):
                return {"axis": y_true}

            def _hidden():
                pass

            MSE = mean_squared_error
            known = {"squares": mean_squared_error, "unknown": other}
        """
    )

    assert schema["functions"]["losses"] == ["mean_squared_error"]
    assert schema["aliases"] == {name: ["mean_squared_error"] for name in ("MSE", "mse", "squares")}


def test_the_table_of_names_that_are_read_for_others_gives_other_names() -> None:
    schema = schema_of(
        losses="",
        **{
            "layers.serialization": """
                from keras.layers.normalization import *

                _DESERIALIZATION_TABLE = {"NormalizationV1": "Normalization", "Missing": "Unknown"}
                _SERIALIZATION_TABLE = {"written": "Normalization"}

                def deserialize(config):
                    return {"class_name": "Normalization", "config": config}
            """,
            "layers.normalization": """
                from keras.layer import Layer

                class Normalization(Layer):
                    pass
            """,
        },
    )

    assert schema["aliases"] == {"NormalizationV1": ["Normalization"]}


def test_layers_from_before_keras_are_no_namesakes_of_those_of_keras() -> None:
    schema = schema_of(
        losses="",
        layers="""
            from keras.layer import Layer

            class Dense(Layer):
                def __init__(self, units):
                    pass
        """,
        **{
            "legacy_tf_layers.core": """
                from keras import layers

                @keras_export(v1=["keras.__internal__.legacy.layers.Dense"])
                class Dense(layers.Dense):
                    def __init__(self, units=1, _reuse=None):
                        pass
            """
        },
    )

    dense = schema["classes"]["Dense"]
    assert (dense["a"], dense["r"], dense["m"]) == ({"units"}, {"units"}, {"keras.layers"})


@pytest.mark.parametrize(("generation", "module"), [(1, "keras.constants"), (2, "keras.constants_v2")])
def test_a_name_without_an_export_stands_for_the_class_of_its_generation(generation: int, module: str) -> None:
    sources = EMPTY_MODULES | {
        "losses": "",
        "constants": "class Constant:\n  def get_config(self):\n    return {}",
        "constants_v2": "class Constant:\n  def get_config(self):\n    return {}",
    }

    assert read_release(tree_of(**sources), generation=generation)["classes"]["Constant"]["m"] == {module}


def test_a_column_says_what_holds_through_the_life_of_a_class_apart_from_what_does_not() -> None:
    def schema(default: str, *keys: str) -> dict[str, Any]:
        arguments = {"units": "None", "activation": default, "bias": "True"}
        row = {"k": "layer", "o": False, "r": {"units"}, "c": set(), "f": set(), "s": set(), "m": {"keras.layers"}}
        row |= {"a": set(arguments), "g": set(keys), "d": {"activation": default, "bias": "True"}}
        return {"classes": {"Dense": row}, "functions": dict.fromkeys(FUNCTION_KINDS, ()), "aliases": {}}

    releases = [Release("keras", version) for version in ("2.0", "2.1", "2.2")]
    schemas = [schema("None", "units"), schema("'tanh'", "units"), schema("'tanh'", "units", "bias")]

    assert join_schemas(releases, schemas)["classes"] == {
        "Dense": {
            "v": [[0, 2]],
            "k": "layer",
            "a": ["activation", "bias", "units"],
            "r": ["units"],
            "g": ["units"],
            "g~": {"bias": [[2, 2]]},
            "m": ["keras.layers"],
            "d": {"bias": "True"},
            "d~": {"activation": {"None": [[0, 0]], "'tanh'": [[1, 2]]}},
        }
    }


FUNCTION_KINDS = ("activations", "constraints", "initializers", "losses", "metrics", "regularizers")
