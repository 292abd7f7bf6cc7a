# Runs in an environment with TensorFlow (1.12 on), or TF-slim: builds the networks that PROVIDER knows, and prints one
# JSON object a line: what the variables of each are.
#
#     python network_variables.py PROVIDER [NAME ...]
#
# PROVIDER is tf.keras.applications or tf_slim.nets; without a NAME all of its networks are built. Of
# each: "provider" and its "version", "name", "arguments" beside the number of classes, "layers" in the order in which
# they are made, each [name, class, [[role, shape], ...]], and "order" (the layers as model.layers has them, by their
# numbers in "layers"; null for TF-slim, whose networks are no models).
#
# Standard library and what the environment has; Python 2.7 on.
from __future__ import print_function

import importlib
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CLASSES = 1000

# Arguments that change the shapes of the variables, where the network takes them.
VARIANTS = {
    "MobileNet": [{"alpha": alpha} for alpha in (0.25, 0.5, 0.75, 1.0)],
    "MobileNetV2": [{"alpha": alpha} for alpha in (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)],
    "MobileNetV3Small": [{"alpha": alpha, "minimalistic": flag} for alpha in (0.75, 1.0) for flag in (False, True)],
    "MobileNetV3Large": [{"alpha": alpha, "minimalistic": flag} for alpha in (0.75, 1.0) for flag in (False, True)],
}

# Module below tf_slim.nets, functions in it, and the number of pixels on each side of their images.
SLIM = [
    ("vgg", ["vgg_a", "vgg_16", "vgg_19"], 224),
    ("resnet_v1", ["resnet_v1_50", "resnet_v1_101", "resnet_v1_152", "resnet_v1_200"], 224),
    ("resnet_v2", ["resnet_v2_50", "resnet_v2_101", "resnet_v2_152", "resnet_v2_200"], 224),
    ("inception_v1", ["inception_v1"], 224),
    ("inception_v2", ["inception_v2"], 224),
    ("inception_v3", ["inception_v3"], 299),
    ("alexnet", ["alexnet_v2"], 224),
    ("overfeat", ["overfeat"], 231),
]


def main(provider, wanted):
    networks = slim_networks if provider == "tf_slim.nets" else keras_networks
    for version, name, arguments, describe in networks(provider):
        if not wanted or name in wanted:
            layers, order = describe()
            network = {"provider": provider, "version": version, "name": name, "arguments": arguments}
            print(json.dumps(dict(network, layers=layers, order=order)))
            sys.stdout.flush()


# --- Keras ---------------------------------------------------------------------------------------------------


def keras_networks(_):
    library = importlib.import_module("tensorflow")
    keras, applications = library.keras, library.keras.applications
    names = [name for name in dir(applications) if name[:1].isupper() and callable(getattr(applications, name))]
    for name in sorted(names):
        for arguments in VARIANTS.get(name, [{}]):
            build = getattr(applications, name)
            yield library.__version__, name, arguments, lambda: keras_layers(keras, build, arguments)


def keras_layers(keras, build, arguments):
    """The layers with weights, in the order in which their weights are made, and their order in the model."""
    keras.backend.clear_session()
    # The tf.keras of some releases has no version, and is a Keras 2.
    is_keras_2 = getattr(keras, "__version__", "2.").startswith("2.")
    model, variables = (in_graph if is_keras_2 else in_memory)(keras, build, arguments)
    places = dict((id(variable), place) for place, variable in enumerate(variables))
    listed = [layer for layer in model.layers if layer.weights]
    made = sorted(listed, key=lambda layer: min(places[id(weight)] for weight in layer.weights))
    layers = [[layer.name, layer.__class__.__name__, list(map(describe, layer.weights))] for layer in made]
    return layers, [made.index(layer) for layer in listed]


def in_graph(keras, build, arguments):
    """The model and all variables; in a graph, these have shapes and no values."""
    tensorflow = tensorflow_1()
    with tensorflow.Graph().as_default():
        model = build(weights=None, classes=CLASSES, **arguments)
        return model, tensorflow.global_variables()


def in_memory(keras, build, arguments):
    """The model and all variables of Keras 3, which has no graphs."""
    variables = []
    plain = keras.layers.Layer.add_weight

    def add_weight(*args, **kwargs):
        variables.append(plain(*args, **kwargs))
        return variables[-1]

    keras.layers.Layer.add_weight = add_weight
    try:
        return build(weights=None, classes=CLASSES, **arguments), variables
    finally:
        keras.layers.Layer.add_weight = plain


# --- TF-slim -------------------------------------------------------------------------------------------------


def slim_networks(provider):
    slim = importlib.import_module("tf_slim")
    version = importlib.import_module("pkg_resources").get_distribution("tf_slim").version
    for module_name, names, pixels in SLIM:
        module = importlib.import_module(provider + "." + module_name)
        for name in names:
            yield version, name, {}, lambda: (slim_layers(slim, module, name, pixels), None)


def slim_layers(slim, module, name, pixels):
    tensorflow = tensorflow_1()
    layers = []
    with tensorflow.Graph().as_default():
        images = tensorflow.placeholder(tensorflow.float32, [1, pixels, pixels, 3])
        with slim.arg_scope(scope_of(module, name)()):
            getattr(module, name)(images, num_classes=CLASSES)
        for variable in tensorflow.global_variables():
            layer = variable.name.rpartition("/")[0]
            if not layers or layers[-1][0] != layer:
                layers.append([layer, "", []])
            layers[-1][2].append(describe(variable))
    return layers


def scope_of(module, name):
    """The function that makes the scope of arguments that a network is built in, such as that of all `resnet_v1`."""
    parts = name.split("_")
    names = ["_".join(parts[:count]) + "_arg_scope" for count in range(len(parts), 0, -1)]
    return next(getattr(module, candidate) for candidate in names if hasattr(module, candidate))


def tensorflow_1():
    """TensorFlow as it was before 2; the first releases had no other."""
    tensorflow = importlib.import_module("tensorflow")
    return getattr(tensorflow.compat, "v1", tensorflow)


def describe(weight):
    """Its role, such as `kernel`, and its shape."""
    return [weight.name.split(":")[0].split("/")[-1], [int(size) for size in weight.shape]]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
