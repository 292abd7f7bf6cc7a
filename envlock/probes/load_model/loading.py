"""Request -> the model, by the first way that works."""

import errno
import os
import shutil
import tempfile

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
    return keras_model.ways(module, keras, request, request.get("names", {}).get(loader, []), custom_objects)


def open_artifact(way, path, custom_objects):
    """What *way* gives. Keras 2.13 to 3.1 and keras-core open archives as if to write, and may only read this one."""
    try:
        return way.open(path, custom_objects)
    except EnvironmentError as error:
        if error.errno not in WRITING_REFUSED or not os.path.isfile(path):
            raise
    # The name is kept: its ending tells Keras what the file is.
    copy = os.path.join(tempfile.mkdtemp(), os.path.basename(path))
    shutil.copyfile(path, copy)
    return way.open(copy, custom_objects)


WRITING_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)


def try_ways(ways, loader, path, custom_objects, findings):
    for way in ways:
        findings.enter(way.how)
        try:
            model = open_artifact(way, path, custom_objects)
        except FAILURES as error:
            findings.add_attempt(way.how, describe(error))
        else:
            findings.set_loaded(loader, way)
            return model
    return None
