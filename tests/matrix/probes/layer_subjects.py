"""Every layer class of the running Keras in a model of its own, found by looking rather than by a list.

A class gets the arguments that its signature demands, and the first of a few inputs that it takes.
"""

from __future__ import print_function

import inspect
from collections import OrderedDict

import numpy

from running_keras import keras_version, wave

# What stands for nothing by itself, needs a file or another framework, or is a subject of its own elsewhere.
NOT_ALONE = {
    "AbstractRNNCell", "DenseFeatures", "FlaxLayer", "InputLayer", "JaxLayer", "Lambda", "Layer", "PreprocessingLayer",
    "SequenceFeatures", "TFSMLayer", "TorchModuleWrapper", "Wrapper",
}  # fmt: skip

# Values of required arguments, by name; the same for every class.
ARGUMENTS = {
    "alpha": 0.3,
    "axes": -1,
    "bin_boundaries": [-0.2, 0.2],
    "bins": [-0.2, 0.2],
    "cropping": 1,
    "equation": "ab,bc->ac",
    "factor": 0.1,
    "fft_length": 4,
    "filters": 2,
    "height": 3,
    "height_factor": 0.2,
    "input_dim": 5,
    "kernel_size": 2,
    "key_dim": 2,
    "mean": 0.0,
    "head_dim": 2,
    "num_heads": 2,
    "num_query_heads": 2,
    "num_key_value_heads": 1,
    "n": 2,
    "nb_col": 2,
    "nb_filter": 2,
    "nb_row": 2,
    "kernel_dim1": 2,
    "kernel_dim2": 2,
    "kernel_dim3": 2,
    "filter_length": 2,
    "num_bins": 3,
    "num_tokens": 4,
    "output_dim": 2,
    "output_size": 2,
    "max_number": 2,
    "output_shape": 3,
    "p": 0.5,
    "pool_size": 2,
    "rate": 0.5,
    "scale": 0.5,
    "sequence_length": 3,
    "stddev": 0.2,
    "sigma": 0.2,
    "value_range": (0.0, 1.0),
    "target_shape": (2, 2),
    "dims": (2, 1),
    "theta": 1.0,
    "units": 2,
    "upper": 0.2,
    "width": 3,
    "width_factor": 0.2,
}

# What makes a class compute something where its defaults do not.
SPECIAL_ARGUMENTS = {
    "CategoryEncoding": {"num_tokens": 5, "output_mode": "multi_hot"},
    "Discretization": {"bin_boundaries": [-0.2, 0.2]},
    "EinsumDense": {"equation": "ab,bc->ac", "output_shape": 3},
    "GroupNormalization": {"groups": 2},
    "IntegerLookup": {"vocabulary": [1, 2, 3]},
    "Normalization": {"mean": 0.5, "variance": 2.0},
    "StringLookup": {"vocabulary": ["red", "green"]},
    "TextVectorization": {"vocabulary": ["red", "green"], "output_sequence_length": 3},
    "RandomPosterization": {"factor": 4},
    "RandomFourierFeatures": {"output_dim": 2, "kernel_initializer": "gaussian", "scale": 1.0},
    "Permute": {"dims": (2, 1)},
    "Reshape": {"target_shape": (2, -1)},
}


def layer_subjects(keras):
    """Pairs of a name and a builder (from Keras to a model and its inputs) for each layer class, sorted by name."""
    return [("layer_%s" % name, builder_for(kind)) for name, kind in sorted(layer_classes(keras).items())]


def layer_classes(keras):
    """The layer classes that a person can name, by name."""
    layers = keras.layers
    experimental = getattr(layers, "experimental", None)
    found = {}
    # The last one wins: the public name of a class that was experimental once is the one that stays.
    for module in (getattr(experimental, "preprocessing", None), experimental, layers):
        for name in dir(module) if module is not None else ():
            kind = getattr(module, name)
            if inspect.isclass(kind) and is_layer(keras, kind) and kind.__name__ not in NOT_ALONE:
                found[kind.__name__] = kind
    return found


def is_layer(keras, kind):
    """Whether *kind* is a layer class and no model."""
    base = getattr(keras.layers, "Layer", None)
    if base is None:  # Keras 1 and the first of Keras 2
        base = keras.engine.topology.Layer
    return issubclass(kind, base) and not issubclass(kind, keras.models.Model)


def builder_for(kind):
    """A builder of a model around one layer of class *kind*."""

    def build(keras):
        errors = []
        for inputs in candidate_inputs(kind.__name__):
            for call in (call_with_one, call_with_list, call_with_each):
                try:
                    return model_around(keras, make_layer(keras, kind), inputs, call)
                except Exception as error:
                    errors.append(error)
        # The first inputs are those that the class is most likely meant for.
        raise errors[0]

    return build


def make_layer(keras, kind):
    """A layer of class *kind* with tiny arguments; a cell or wrapper in or around what it needs."""
    layers = keras.layers
    name = kind.__name__
    if name.endswith("Cell"):
        return layers.RNN(kind(**arguments_for(kind)))
    if name == "StackedRNNCells":
        return layers.RNN(kind([layers.LSTMCell(2), layers.GRUCell(3)]))
    if name in ("RNN", "ConvRNN2D"):
        return kind(layers.SimpleRNNCell(2))
    if name == "Bidirectional":
        return kind(layers.LSTM(2))
    if name in ("TimeDistributed", "SpectralNormalization"):
        return kind(layers.Dense(2))
    if name == "Activation":
        return kind("tanh")
    if name == "Pipeline":
        return kind([layers.Rescaling(0.5)])
    try:
        return kind(**arguments_for(kind))
    except TypeError:
        # The arguments of other releases, where this one works without.
        return kind(**{argument: ARGUMENTS[argument] for argument in required_arguments(kind)})


def arguments_for(kind):
    """The arguments that *kind* demands; those of :data:`SPECIAL_ARGUMENTS` beside them."""
    arguments = {name: ARGUMENTS[name] for name in required_arguments(kind)}
    arguments.update(SPECIAL_ARGUMENTS.get(kind.__name__, {}))
    return arguments


def required_arguments(kind):
    """Names of the arguments of ``__init__`` that have no default."""
    function = kind.__init__
    # Standalone Keras 2 wraps constructors to accept the arguments of Keras 1.
    function = getattr(function, "_original_function", function)
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    specification = getattr(inspect, "getfullargspec", None) or inspect.getargspec
    found = specification(function)
    names = found.args[1:]
    return names[: len(names) - len(found.defaults or ())]


def candidate_inputs(name):
    """Arrays of two examples that a layer class may take, the likeliest first."""
    rows, sequences = wave((2, 4), 1), wave((2, 4, 3), 1)
    images, volumes = wave((2, 5, 5, 2), 1), wave((2, 4, 4, 4, 2), 1)
    films, photographs = wave((2, 3, 4, 4, 2), 1), abs(wave((2, 8, 8, 3), 1))
    tokens = (numpy.arange(6).reshape((2, 3)) % 4 + 1).astype("int32")
    words = numpy.array([["red", "blue"], ["green", "red"]], dtype=object)
    lines = numpy.array([["red blue"], ["green red"]], dtype=object)
    if "TextVectorization" in name:
        return [lines]
    if "StringLookup" in name:
        return [words]
    if name in ("Embedding", "IntegerLookup", "CategoryEncoding", "Hashing", "HashedCrossing"):
        return [tokens, tokens[:, :1]]
    if name.startswith("ConvLSTM"):
        return [wave((2, 3, 4, 2), 1), films, wave((2, 3, 3, 3, 3, 1), 1)]
    if "1D" in name or "1d" in name:
        return [sequences, rows]
    if "3D" in name:
        return [volumes]
    if "2D" in name or name.startswith(("Random", "Resizing", "CenterCrop", "Rescaling")):
        return [images, photographs, rows, sequences]
    if name.startswith(("LSTM", "GRU", "SimpleRNN", "RNN", "Stacked", "Bidirectional", "TimeDistributed", "Permute")):
        return [sequences]
    if "Attention" in name or name in ("CuDNNLSTM", "CuDNNGRU"):
        return [sequences, images]
    return [rows, sequences, images, photographs, volumes, tokens]


def call_with_one(layer, tensors):
    """As most layers are called."""
    return layer(tensors[0]), 1


def call_with_list(layer, tensors):
    """As layers that merge are called."""
    return layer(tensors), 2


def call_with_each(layer, tensors):
    """As attention is called."""
    return layer(*tensors), 2


def model_around(keras, layer, values, call):
    """A model of *layer* on one or two inputs like *values*, and what to feed it."""
    second = values if values.dtype.kind in "Oi" else values[::-1] * 0.5
    tensors = [named_input(keras, "first", values), named_input(keras, "second", second)]
    output, count = call(layer, tensors)
    names = ("first", "second")[:count]
    inputs = OrderedDict(zip(names, (values, second)))
    tensors = tensors[:count]
    return make_model(keras, tensors if count > 1 else tensors[0], output), inputs


def named_input(keras, name, values):
    """An input for arrays like *values*."""
    dtype = "string" if values.dtype.kind == "O" else str(values.dtype)
    return keras.layers.Input(shape=values.shape[1:], dtype=dtype, name=name)


def through(tensor, *layers):
    """What *layers* in a row make of a tensor."""
    for layer in layers:
        tensor = layer(tensor)
    return tensor


def on(values):
    """A decorator to a builder of a model with an input like *values*, from a function of Keras and its tensor to outputs."""

    def decorate(outputs_of):
        def build(keras):
            source = named_input(keras, "first", values)
            return make_model(keras, source, outputs_of(keras, source)), OrderedDict([("first", values)])

        build.__name__ = outputs_of.__name__
        return build

    return decorate


def make_model(keras, inputs, outputs):
    """A functional model; Keras 1 names the arguments differently, so they are given by place."""
    if keras_version(keras) < (2,):
        return keras.models.Model(input=inputs, output=outputs)
    return keras.models.Model(inputs, outputs)
