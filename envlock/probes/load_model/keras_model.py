"""Keras models: whole ones, and those that are built from a description."""

import importlib
import inspect
import sys

from findings import NoInputError
from running_tensorflow import IMPORT, import_tensorflow, is_version_2
from specifications import Specification, flatten, map_structure, specification_of
from ways import assignment

READERS = {"keras-json": "model_from_json", "keras-yaml": "model_from_yaml"}
"""Functions that build a model, with fresh weights, from text."""

OPTIONS = ({}, {"compile": False}, {"safe_mode": False}, {"compile": False, "safe_mode": False})
"""Of `load_model`, in the order in which they are tried; without safe mode, it runs code of the artifact."""


def import_keras(module):
    return import_tensorflow().keras if module == "tf.keras" else importlib.import_module(module)


def import_of(module):
    return IMPORT if module == "tf.keras" else "import " + module


def ways(module, keras, request, names, custom_objects):
    imports = [import_of(module)]
    needed, first_lines = make_known(names, custom_objects)
    for statement in needed:
        if statement not in imports:
            imports.append(statement)
    kind = request.get("format", "")
    if kind in READERS:
        options = spell({}, custom_objects)
        expression = "%s.models.%s(open(path).read()%s)" % (module, READERS[kind], options)
        yield assignment(expression, imports, KerasModel, first_lines)
        return
    load_model = keras.models.load_model
    for options in OPTIONS:
        if "safe_mode" in options and not request.get("trust"):
            continue
        if all(accepts(load_model, name) for name in options):
            expression = "%s.models.load_model(path%s)" % (module, spell(options, custom_objects))
            yield assignment(expression, imports, KerasModel, first_lines)
    if kind == "saved-model" and hasattr(keras.layers, "TFSMLayer"):
        expression = "%s.layers.TFSMLayer(path, call_endpoint='serving_default')" % module
        yield assignment(expression, imports, SavedModelLayer)


def make_known(names, custom_objects):
    """Imports, and lines behind them, that make names known to functions of the artifact: it holds their code alone.

    *names* are triples: a name, an expression for what it stands for, and the import that this needs. Keras passes
    `custom_objects` on to such functions from some formats in some releases, and everything built in is known to all.
    """
    known = [item for item in names if item[2] or item[0] in custom_objects]
    if not known:
        return [], []
    imports = [BUILTINS] + [statement for _, _, statement in known if statement]
    return imports, ["builtins.%s = %s" % (name, expression) for name, expression, _ in known]


BUILTINS = "import builtins" if sys.version_info >= (3,) else "import __builtin__ as builtins"


def spell(options, custom_objects):
    values = dict((name, str(value)) for name, value in options.items())
    if custom_objects:
        values["custom_objects"] = "custom_objects"
    return "".join(", %s=%s" % item for item in sorted(values.items()))


def accepts(function, name):
    try:
        if sys.version_info < (3,):
            return name in inspect.getargspec(function).args
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return True


class KerasModel(object):
    def __init__(self, model):
        # Some releases hand out a bare object for a SavedModel that Keras did not write.
        if not hasattr(model, "predict"):
            raise TypeError("load_model returned %s, which is no Keras model" % type(model).__name__)
        self._model = model

    def specifications(self, known):
        tensors = getattr(self._model, "inputs", None)
        if tensors:
            sizes = embedding_sizes(self._model)
            return map_structure(lambda tensor: specification_of(tensor, size_for(tensor, sizes)), tensors)
        tensors = getattr(self._model, "_saved_model_inputs_spec", None)
        if tensors:
            return map_structure(specification_of, tensors)
        if known:
            return known
        raise NoInputError("the model does not say what its inputs are")

    def declared(self):
        """Specifications of the outputs, in their order; empty where the model does not say."""
        return [specification_of(tensor) for tensor in flatten(getattr(self._model, "outputs", None) or [])]

    def ways(self, arrays):
        # `predict` and the model itself differ in the structures and types that they take.
        flat = flatten(arrays)
        single = flat[0] if len(flat) == 1 and not isinstance(arrays, dict) else arrays
        yield lambda: self._model.predict(single)
        names = getattr(self._model, "input_names", None) or []
        if len(names) == len(flat) > 1:
            yield lambda: self._model.predict(dict(zip(names, flat)))
        tf = import_tensorflow()
        if is_version_2(tf):
            yield lambda: self._model(map_structure(tf.convert_to_tensor, single))


def embedding_sizes(model):
    """How many rows each table of the model has, with the tensor that looks them up, as far as layers tell."""
    sizes = []
    for layer in getattr(model, "layers", ()):
        if type(layer).__name__ == "Embedding":
            # Layers that are called several times, or not yet, have no one input.
            try:
                sizes.append((layer.input, int(layer.input_dim)))
            except (AttributeError, RuntimeError, ValueError, TypeError):
                continue
    return sizes


def size_for(tensor, sizes):
    """Rows of the smallest table that *tensor* is looked up in; those of any for integers; None for other numbers."""
    own = [size for reader, size in sizes if reader is tensor]
    is_integer = "int" in Specification("", getattr(tensor, "dtype", ""), None).dtype
    return min(own or [size for _, size in sizes if is_integer] or [0]) or None


class SavedModelLayer(object):
    """A SavedModel in Keras 3, which knows it as a layer around one of its signatures."""

    def __init__(self, layer):
        self._layer = layer
        self._inputs = layer.call_endpoint_fn.structured_input_signature[1]
        if len(self._inputs) != 1:
            raise TypeError("TFSMLayer passes on one input, and the signature takes %d" % len(self._inputs))

    def specifications(self, known):
        return [specification_of(tensor) for tensor in self._inputs.values()]

    def declared(self):
        outputs = self._layer.call_endpoint_fn.structured_outputs
        return [specification_of(outputs[name]) for name in sorted(outputs)]

    def ways(self, arrays):
        yield lambda: self._layer(arrays[0])
