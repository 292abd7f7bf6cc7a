"""SavedModels, by TensorFlow 2 as objects with signatures, by TensorFlow 1 in a session."""

import re

from findings import NoInputError
from graph import SessionModel
from running_tensorflow import IMPORT, is_version_2, new_session, version_1_of
from specifications import specification_of
from ways import Way, assignment


def ways(tf, request):
    tags = [str(tag) for tag in request.get("tags", [])]
    return object_ways(tf, tags) if is_version_2(tf) else [session_way(tf, tags or ["serve"])]


def object_ways(tf, tags):
    def wrap(loaded):
        return SavedModel(tf, loaded)

    yield assignment("tf.saved_model.load(path)", [IMPORT], wrap)
    # The optimizer of a compiled Keras model comes back only once Keras is imported, which this does.
    yield assignment("tf.keras.models and tf.saved_model.load(path)", [IMPORT], wrap)
    if tags:
        yield assignment("tf.saved_model.load(path, tags=%r)" % (tags,), [IMPORT], wrap)


def session_way(tf, tags):
    prefix = version_1_of(tf)
    how = "%s.saved_model.loader.load(session, %r, path)" % (prefix, tags)
    return Way(how, [IMPORT], lambda names: [new_session(prefix), "model = " + how], wrap_session)


def wrap_session(names):
    """What the chosen signature takes and gives, ready to run."""
    graph, signatures = names["session"].graph, names["model"].signature_def
    chosen = choose_signature(signatures)
    if chosen is None:
        return SessionModel(names["session"], {}, {}, "the model has no signature that could be called")
    tensors = [
        dict((key, graph.get_tensor_by_name(info.name)) for key, info in part.items() if info.name)
        for part in (signatures[chosen].inputs, signatures[chosen].outputs)
    ]
    return SessionModel(names["session"], tensors[0], tensors[1])


def choose_signature(names):
    callable_names = sorted(name for name in names if not name.startswith("__"))
    return "serving_default" if "serving_default" in names else next(iter(callable_names), None)


class SavedModel(object):
    def __init__(self, tf, loaded):
        self._tf = tf
        name = choose_signature(getattr(loaded, "signatures", {}))
        # The function holds its variables by the loaded object alone.
        self._loaded = loaded
        self._function = None if name is None else loaded.signatures[name]

    def specifications(self, known):
        if self._function is None:
            raise NoInputError("the model has no signature that could be called")
        structure = self._function.structured_input_signature
        # Some releases keep none for the signatures that TensorFlow 1 wrote.
        named = name_inputs(self._function) if structure is None else structure[1]
        return dict((name, specification_of(tensor)) for name, tensor in named.items())

    def declared(self):
        outputs = getattr(self._function, "structured_outputs", None)
        if not isinstance(outputs, dict):
            return []
        return [specification_of(outputs[name]) for name in sorted(outputs)]

    def ways(self, arrays):
        named = dict((name, self._tf.constant(array)) for name, array in arrays.items())
        yield lambda: self._function(**named)


def name_inputs(function):
    """The tensors that *function* is called with, under the names of its arguments."""
    # Behind them stand the variables and tables that it has captured.
    tensors = function.inputs[: len(function.inputs) - len(function.captured_inputs)]
    names = getattr(function, "_arg_keywords", None) or [re.sub(r":0$", "", tensor.name) for tensor in tensors]
    return dict(zip(names, tensors))
