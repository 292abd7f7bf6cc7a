"""Weights alone: the person's code builds the model that they belong to."""

import re

from checkpoint import OBJECT_GRAPH, folder_lines, prefix_of
from findings import FAILURES
from fitting import MisfitError, describe_weights, find_left_over, find_misfit, require_names, require_values, spoil
from keras_model import KerasModel, import_of
from running_tensorflow import IMPORT, import_tensorflow, is_version_2, version_1_of
from ways import Way

MOST_ROOTS = 4
VARIABLE_OF_OBJECT = re.compile(r"^(?!layer_with_weights-)([A-Za-z_]\w*)/.+/\.ATTRIBUTES/VARIABLE_VALUE$")
"""The first part is the name under which the object was given to `tf.train.Checkpoint`."""

IMPORTABLE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")


def ways(module, request):
    """The model that the builder of the *request* returns, with the weights at its path."""
    imports = [import_of(module)] + imports_of(request["builder"])
    path = request["path"]
    if request.get("format") != "checkpoint":
        return [FillingWay(request, imports, [], "model.load_weights(path)", lambda: shapes_in_file(path))]
    tf = import_tensorflow()
    stored = shapes_in_checkpoint(tf, prefix_of(tf, path))
    first_lines = folder_lines(path)
    imports = imports if IMPORT in imports else [IMPORT] + imports
    # Keras takes the session that is open, whichever of the two Keras it is.
    in_session = [] if is_version_2(tf) else ["session = %s.InteractiveSession()" % version_1_of(tf)]
    if OBJECT_GRAPH not in stored:
        return [named_way(tf, request, imports, first_lines + in_session, stored)]
    hows = ["tf.train.Checkpoint(%s=model).restore(path)" % root for root in roots_of(stored)]
    restoring = [how + (".run_restore_ops(session)" if in_session else "") for how in hows]
    return [FillingWay(request, imports, first_lines, "model.load_weights(path)", lambda: stored)] + [
        FillingWay(request, imports, first_lines + in_session, how, lambda: stored) for how in restoring
    ]


def imports_of(builder):
    """The statements that make the builder known, whatever the file is called that it stands in."""
    module, name = builder["module"], builder["object"]
    if IMPORTABLE.match(module):
        return ["from %s import %s" % (module, name)]
    return ["import importlib", "%s = importlib.import_module(%r).%s" % (name, str(module), name)]


class FillingWay(Way):
    """Builds the model and fills it, by the line *how* unless *lines_for* gives others for a model.

    *read_shapes* gives names and shapes of all that is stored, or None.
    """

    def __init__(self, request, imports, first_lines, how, read_shapes, lines_for=None):
        Way.__init__(self, how, imports, self._lines, self._wrap)
        self._builder = request["builder"]["object"]
        self._definite_layers = request.get("definite_layers", [])
        self._first_lines = first_lines
        self._read_shapes = read_shapes
        self._lines_for = lines_for or (lambda model: [how])
        self._model = None
        self._asked = []

    def open(self, path, custom_objects):
        try:
            model = Way.open(self, path, custom_objects)
            # What reads HDF5 has complained itself where it found too much.
            self.left_over = find_left_over(self._model, self._read_shapes() or {})
            return model
        except FAILURES:
            stored = self._read_shapes() if self._model is not None else None
            told = find_misfit(self._model, stored, self._definite_layers) if stored else None
            if told is None:
                raise
        raise MisfitError("the weights are of another model than %s builds: %s" % (self._builder, told))

    def _lines(self, names):
        for line in self._first_lines:
            yield line
        found = names[self._builder]
        # A class or function makes the model, unless it is one already.
        is_model = hasattr(found, "predict") and not isinstance(found, type)
        yield "model = " + (self._builder if is_model else self._builder + "()")
        model = names["model"]
        if not hasattr(model, "get_weights"):
            raise TypeError("%s gives no Keras model but %s" % (self._builder, type(model).__name__))
        self._asked = describe_weights(model)
        self._model = model
        lines = self._lines_for(model)
        spoil(model)
        for line in lines:
            yield line

    def _wrap(self, names):
        model = KerasModel(names["model"])
        require_values(names["model"], self._asked)
        return model


def named_way(tf, request, imports, first_lines, stored):
    """For a checkpoint of TensorFlow 1, which knows variables by name."""
    saver = "%s.train.Saver" % version_1_of(tf)

    def lines_for(model):
        require_names(model, stored)
        # Keras 3 has variables of its own around those of TensorFlow.
        is_keras_3 = any(hasattr(variable, "path") for variable in model.weights)
        parts = "variable.path: variable.value" if is_keras_3 else "variable.name.split(':')[0]: variable"
        session = "None" if is_version_2(tf) else "session"
        return ["saver = %s({%s for variable in model.weights})" % (saver, parts), "saver.restore(%s, path)" % session]

    return FillingWay(request, imports, first_lines, saver + ".restore", lambda: stored, lines_for)


# --- what is stored ------------------------------------------------------------------------------------------


def shapes_in_file(path):
    """Of the arrays in a file of HDF5, by name; None where it cannot be read, of which Keras has told then."""
    found = {}
    try:
        import h5py

        with h5py.File(path, "r") as stream:
            stream.visititems(lambda name, item: found.update({name: item.shape} if hasattr(item, "shape") else {}))
    except FAILURES:
        return None
    return found


def shapes_in_checkpoint(tf, prefix):
    return dict((name, tuple(shape)) for name, shape in tf.train.list_variables(prefix))


def roots_of(stored):
    """Names under which a checkpoint of objects keeps those that may be the model, the usual one first.

    None where the checkpoint is of the model itself.
    """
    if any(name.startswith("layer_with_weights-") for name in stored):
        return []
    found = [VARIABLE_OF_OBJECT.match(name) for name in stored]
    # Of a variable that the optimizer has too, the checkpoint may know the optimizer's name alone.
    others = set(match.group(1) for match in found if match) - set(["model", "optimizer"])
    return ["model"] + sorted(others)[:MOST_ROOTS]
