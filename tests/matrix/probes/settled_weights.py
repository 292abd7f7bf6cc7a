"""Weights that are the same in every release: each depends on its place in the model alone.

So what one release computes can be held against another that was handed the architecture without weights. Valid from
Python 2.7 on; needs NumPy and the Keras of its environment.
"""

from __future__ import print_function

import re
from collections import OrderedDict

import numpy

from running_keras import is_tensorflow_1, keras_version, wave

# Keras 1 keeps the weights of each gate of a recurrent layer apart. Keras 2 has them side by side in one array, in one of
# these orders (`preprocess_weights_for_loading` of Keras 2.0 to 2.3).
ORDERS_OF_GATES = ("ifco", "zrh")
WEIGHT_OF_GATE = re.compile(r"(.*_[WUb])_([a-z])$")


def settle_weights(keras, model):
    """Give every weight of floating point a value that depends on its place alone; variances stay positive.

    What a layer of preprocessing has learnt is kept: it computes with numbers that were derived from its weights.
    """
    layers = list(innermost_first(model.layers))
    variables = OrderedDict((id(variable), variable) for layer in layers for variable in layer.weights)
    values = dict(zip(variables, values_of(keras, list(variables.values()))))
    settled = []
    places = {}
    count = 0
    for layer in layers:
        arrays = arrays_of([variables.pop(id(variable)) for variable in layer.weights if id(variable) in variables])
        # What is part of two models is there twice once it was read from a configuration, under the same name.
        if layer.name not in places:
            places[layer.name] = count
            count += len(arrays)
        for place, parts in enumerate(arrays, places[layer.name]):
            current = [values[id(part)] for part in parts]
            if is_floating(current[0]) and not hasattr(layer, "adapt"):
                settled.extend(zip(parts, settled_values(parts, current, place)))
    assign(keras, settled)


def innermost_first(layers):
    """The layers, and before each model among them its own: a model tells last the weights that are not trained."""
    for layer in layers:
        # A layer of Keras 1 that merges has none of its own once it was read from a configuration.
        for inner in innermost_first(getattr(layer, "layers", None) or ()):
            yield inner
        yield layer


def arrays_of(variables):
    """Lists of variables that are one array in Keras 2: of one each, but where Keras 1 keeps gates apart."""
    arrays = OrderedDict()
    for variable in variables:
        gate = gate_of(variable)
        arrays.setdefault(gate.group(1) if gate else id(variable), []).append(variable)
    return list(arrays.values())


def gate_of(variable):
    """The match of the name of a weight of one gate; ``None`` for all others."""
    return WEIGHT_OF_GATE.match(variable.name.split(":")[0])


def settled_values(variables, values, place):
    """What the *variables* of the array at a place are given, which have the *values* now."""
    # Keras 1 calls the variance of a normalisation so.
    offset = 1.0 if "variance" in variables[0].name or "running_std" in variables[0].name else 0.0
    shape = values[0].shape[:-1] + (sum(value.shape[-1] for value in values),) if values[0].shape else ()
    whole = (offset + wave(shape, place)).astype(values[0].dtype)
    if len(variables) == 1:
        return [whole]
    gates = [gate_of(variable).group(2) for variable in variables]
    (order,) = (order for order in ORDERS_OF_GATES if set(order) == set(gates))
    blocks = dict(zip(order, numpy.split(whole, len(order), axis=-1)))
    return [blocks[gate] for gate in gates]


def is_floating(value):
    """Whether an array holds numbers with a fraction; bfloat16 is no kind of float to NumPy."""
    return value.dtype.kind == "f" or value.dtype.name == "bfloat16"


def values_of(keras, variables):
    """The values of weights as arrays."""
    if keras_version(keras) >= (3,):
        return [keras.ops.convert_to_numpy(variable) for variable in variables]
    if is_tensorflow_1():
        # At once: it prepares the whole graph anew for each call.
        return keras.backend.batch_get_value(variables)
    return [numpy.asarray(keras.backend.get_value(variable)) for variable in variables]


def assign(keras, pairs):
    """Give weights other values, in pairs of both."""
    if keras_version(keras) < (3,):
        keras.backend.batch_set_value(pairs)
        return
    for variable, value in pairs:
        variable.assign(value)
