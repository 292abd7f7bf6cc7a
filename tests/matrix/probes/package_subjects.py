"""Models of packages beside Keras: every class and function of TensorFlow Addons, operations of TensorFlow Text."""

from __future__ import print_function

import importlib
import inspect

from chain_subjects import LINES, ROWS, activated_by
from chain_subjects import builder_for as chain_of
from layer_subjects import builder_for, is_layer
from packages import PACKAGES
from training_subjects import classes_of, compiled, made, trained


def package_subjects(keras):
    """Pairs of a name and a builder (from Keras to a model and its inputs), for the packages that are installed."""
    found = []
    for prefix, subjects in (("addons", addons_subjects), ("text", text_subjects)):
        package = import_if_installed(PACKAGES[prefix])
        if package is not None:
            found += [("%s_%s" % (prefix, name), build) for name, build in subjects(keras, package)]
    return found


def import_if_installed(name):
    """The module of that name, or ``None``."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def addons_subjects(keras, addons):
    """Layers, cells and activations of a model, and what it is trained with."""
    found = [
        ("%s_%s" % (kind, name), builder_for(layer))
        for kind, module in (("layer", addons.layers), ("cell", addons.rnn))
        for name, layer in classes_of(module, "tensorflow_addons")
        if is_layer(keras, layer)
    ]
    found += [
        ("activation_%s" % name, chain_of(ROWS, activated_by(function)))
        for name, function in sorted(vars(addons.activations).items())
        if inspect.isfunction(function)
    ]
    for kind, module, build in (
        ("optimizer", addons.optimizers, lambda one: trained(lambda _: made(one))),
        ("loss", addons.losses, lambda one: compiled(lambda _: {"loss": made(one)})),
        ("metric", addons.metrics, lambda one: compiled(lambda _: {"loss": "mse", "metrics": [made(one)]})),
    ):
        found += [("%s_%s" % (kind, name), build(one)) for name, one in classes_of(module, "tensorflow_addons")]
    return found


def text_subjects(keras, text):
    """Operations on text, each in a layer around it."""

    def around(function):
        return chain_of(LINES, lambda keras: [keras.layers.Lambda(function)])

    return [
        ("case_fold", around(lambda lines: text.case_fold_utf8(lines))),
        ("normalize", around(lambda lines: text.normalize_utf8(lines))),
        ("tokenize", around(lambda lines: text.WhitespaceTokenizer().tokenize(lines).to_tensor())),
        ("split", around(lambda lines: text.UnicodeScriptTokenizer().tokenize(lines).to_tensor())),
    ]
