"""Models that need definitions of a person's own, and models that carry code."""

from __future__ import print_function

import os
import sys
import types
from collections import OrderedDict

from chain_subjects import ROWS, SEQUENCES
from layer_subjects import named_input, on, through
from running_keras import IMPORTS

DEFINITIONS = "custom_definitions.py"
_PLACEHOLDER = "import keras\n"


def source_for(implementation):
    """The definitions as somebody who uses *implementation* has them."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), DEFINITIONS)) as stream:
        return stream.read().replace(_PLACEHOLDER, IMPORTS[implementation] + "\n", 1)


def define(implementation):
    """The module of the definitions, made anew for *implementation*."""
    name = DEFINITIONS.rpartition(".")[0]
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(source_for(implementation), DEFINITIONS, "exec"), module.__dict__)  # noqa: S102 - our own text
    return module


def custom_subjects(definitions):
    """Pairs of a name and a builder (from Keras to a model and its inputs)."""

    def layer(keras):
        return around(keras, ROWS, keras.layers.Dense(3), definitions.Scale(3.0))

    def registered_layer(keras):
        return around(keras, ROWS, keras.layers.Dense(3), definitions.make_registered()(3.0))

    def wrapped_layer(keras):
        return around(keras, SEQUENCES, keras.layers.TimeDistributed(definitions.Scale()))

    def activation(keras):
        return around(keras, ROWS, keras.layers.Dense(3, activation=definitions.squeeze_activation))

    def constraint(keras):
        return around(keras, ROWS, keras.layers.Dense(3, kernel_constraint=definitions.Bounded()))

    def loss(keras):
        model, inputs = around(keras, ROWS, keras.layers.Dense(3))
        model.compile(optimizer="sgd", loss=definitions.squared_loss, metrics=[definitions.double_metric])
        return model, inputs

    def model_class(keras):
        source = named_input(keras, "first", ROWS)
        return definitions.NamedModel(source, keras.layers.Dense(2)(source)), OrderedDict([("first", ROWS)])

    def subclassed_model(keras):
        model = definitions.Perceptron()
        if getattr(keras, "Variable", None) is None:
            model.predict(ROWS)
        else:
            model(ROWS)
        return model, OrderedDict([("first", ROWS)])

    builders = (
        layer, registered_layer, wrapped_layer, activation, constraint, loss, model_class, subclassed_model,
    )  # fmt: skip
    return [("custom_" + build.__name__, build) for build in builders]


def code_subjects(keras):
    """Pairs of a name and a builder of models that carry code of their own, as bytecode or by name."""
    builders = (expression, expression_with_arguments, named_function, activation_without_name)
    return [("code_" + build.__name__, build) for build in builders]


def expression(keras):
    """A function without a name."""
    return around(keras, ROWS, keras.layers.Dense(3), keras.layers.Lambda(lambda tensor: tensor * 2.0))


def expression_with_arguments(keras):
    """A function without a name, with arguments and the shape of what it gives."""
    scaled = keras.layers.Lambda(lambda tensor, factor: tensor * factor, output_shape=(4,), arguments={"factor": 3.0})
    return around(keras, ROWS, scaled)


def named_function(keras):
    """A function of Keras itself."""
    return around(keras, ROWS, keras.layers.Dense(3), keras.layers.Lambda(keras.activations.relu))


def activation_without_name(keras):
    """A function without a name as an activation, which Keras writes otherwise than in a layer of its own."""
    return around(keras, ROWS, keras.layers.Dense(3, activation=lambda tensor: tensor * 2.0))


def around(keras, values, *layers):
    """A functional model of *layers* in a row."""
    return on(values)(lambda _, tensor: through(tensor, *layers))(keras)
