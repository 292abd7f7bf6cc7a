"""Code of Keras 1 in every Keras: what a person writes anew who keeps the network and goes on to a later release.

Standalone Keras 2.0 to 2.3 take that code as it is. All others refuse it, or take the height of a kernel for strides.
Valid from Python 2.7 on.
"""

from __future__ import print_function

from running_keras import is_tensorflow_1, keras_version

# Classes by the names of Keras 1 that later ones have under others.
CLASSES = {
    "AtrousConvolution1D": "Conv1D",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
}

# Arguments by their names in Keras 1.
ARGUMENTS = {
    "W_constraint": "kernel_constraint",
    "W_regularizer": "kernel_regularizer",
    "atrous_rate": "dilation_rate",
    "bias": "use_bias",
    "border_mode": "padding",
    "dropout_U": "recurrent_dropout",
    "dropout_W": "dropout",
    "filter_length": "kernel_size",
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "nb_filter": "filters",
    "output_dim": "units",
    "p": "rate",
    "subsample": "strides",
    "subsample_length": "strides",
}
ARGUMENTS_OF = {"Embedding": {"W_regularizer": "embeddings_regularizer"}}

# Names of constraints.
CONSTRAINTS = {"nonneg": "non_neg"}

# How wide the input of the first layer is: values, or steps.
WIDTHS = ("input_dim", "input_length")

# Layers whose gates are opened by `hard_sigmoid`, the only function for it here.
RECURRENT = ("GRU", "LSTM")


def in_any_keras(build):
    """A builder for every Keras, from one by code of Keras 1."""

    def build_anywhere(keras):
        return build(keras if takes_early_code(keras) else EarlyKeras(keras))

    build_anywhere.__name__ = build.__name__
    return build_anywhere


def takes_early_code(keras):
    """Whether a Keras takes names and arguments of the first."""
    return keras.__name__ == "keras" and keras_version(keras) < (2, 4)


class EarlyKeras(object):
    """A later Keras as networks of the first see it; what it has no longer is not there."""

    def __init__(self, keras):
        self.layers = EarlyLayers(keras)
        self.models = EarlyModels(keras)


class EarlyModels(object):
    """The models, whose ends were named in the singular."""

    def __init__(self, keras):
        self.Sequential = keras.models.Sequential
        self._make = keras.models.Model

    def Model(self, input, output):  # noqa: A002
        """A functional model."""
        return self._make(input, output)


class EarlyLayers(object):
    """The layers, by the names and arguments of Keras 1."""

    def __init__(self, keras):
        self._keras = keras

    def __getattr__(self, name):
        """A function that makes such a layer."""
        make = getattr(self._keras.layers, CLASSES.get(name, name))

        def make_layer(*positional, **early):
            if name == "Convolution2D":
                positional = (positional[0], positional[1:])
            return make(*positional, **self._later(name, early))

        return make_layer

    def merge(self, tensors, mode, concat_axis=-1, dot_axes=-1):
        """What a mode makes of several tensors."""
        layers = self._keras.layers
        if mode == "concat":
            return layers.concatenate(tensors, axis=concat_axis)
        if mode == "dot":
            return layers.dot(tensors, axes=dot_axes)
        return {"mul": layers.multiply, "sum": layers.add}[mode](tensors)

    def _later(self, name, early):
        """The arguments that make the same of a layer now."""
        names = dict(ARGUMENTS, **ARGUMENTS_OF.get(name, {}))
        later = {names.get(key, key): value for key, value in early.items() if key not in WIDTHS}
        if "kernel_constraint" in later:
            later["kernel_constraint"] = CONSTRAINTS[later["kernel_constraint"]]
        widths = [early[key] for key in WIDTHS if key in early]
        if widths:
            later["input_shape"] = tuple(widths)
        if name in RECURRENT:
            # How to compute it is for the release to say by now.
            later.pop("consume_less", None)
            later.pop("inner_activation", None)
            later["recurrent_activation"] = hard_sigmoid(self._keras)
        if name == "GRU" and not is_tensorflow_1():
            later["reset_after"] = False
        return later


def hard_sigmoid(keras):
    """The activation of gates in Keras 1, which has another slope under this name in Keras 3."""
    if keras_version(keras) < (3,):
        return "hard_sigmoid"
    return lambda tensor: keras.ops.clip(0.2 * tensor + 0.5, 0.0, 1.0)
