"""Request -> the model, by the first way that works."""

import checkpoint
import graph
import keras_model
import keras_weights
import saved_model
import tflite
from findings import FAILURES, describe
from running_tensorflow import import_tensorflow

KERAS_MODULES = {"tf.keras": "tf.keras", "keras": "keras", "tf-keras": "tf_keras", "keras-core": "keras_core"}
KINDS = {
    "graph-def": graph.ways,
    "meta-graph": checkpoint.meta_graph_ways,
    "checkpoint": checkpoint.ways,
    "tflite": tflite.ways,
    "saved-model": saved_model.ways,
}
"""What `tensorflow` opens, by format."""


def load(request, custom_objects, findings):
    """The model; None where no way works."""
    for loader in request["loaders"]:
        start = "import %s" % KERAS_MODULES.get(loader, "tensorflow")
        findings.enter(start)
        try:
            ways = ways_of(loader, request, custom_objects)
        except FAILURES as error:
            findings.add_attempt(start, describe(error))
            continue
        model = try_ways(ways, loader, request["path"], custom_objects, findings)
        if model is not None:
            return model
    return None


def ways_of(loader, request, custom_objects):
    """The ways of a loader, which has been imported then."""
    if loader not in KERAS_MODULES:
        tf = import_tensorflow()
        return KINDS.get(request.get("format"), saved_model.ways)(tf, request)
    module = KERAS_MODULES[loader]
    keras = keras_model.import_keras(module)
    if request.get("builder"):
        return keras_weights.ways(module, request)
    return keras_model.ways(module, keras, request, custom_objects)


def try_ways(ways, loader, path, custom_objects, findings):
    for way in ways:
        findings.enter(way.how)
        try:
            model = way.open(path, custom_objects)
        except FAILURES as error:
            findings.add_attempt(way.how, describe(error))
        else:
            findings.set_loaded(loader, way)
            return model
    return None
