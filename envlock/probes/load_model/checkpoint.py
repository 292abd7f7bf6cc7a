"""Checkpoints and MetaGraphDefs: variables, with the graph that they belong to where it is there."""

import os

from graph import NO_VALUES, SessionModel, Uncallable, by_name, ends_of_graph, has_variables
from outputs import as_array, describe_array
from running_tensorflow import IMPORT, new_session, version_1_of
from ways import Way

MOST_VARIABLES = 1000
OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""The variable under which TensorFlow 2 keeps which object has which variables."""

GRADIENTS = "gradients/"
"""TensorFlow's own scope for what training adds to a graph."""


def ways(tf, request):
    """For a checkpoint, whose path is the one that `Saver.restore` takes, or a folder."""
    first_lines = folder_lines(request["path"])
    if os.path.exists(prefix_of(tf, request["path"]) + ".meta"):
        yield restoring_way(tf, first_lines, "path + '.meta'", "path")
    how = "%s.load_checkpoint(path)" % ("tf.train" if hasattr(tf.train, "load_checkpoint") else "tf.contrib.framework")
    yield Way(
        how, [IMPORT], lambda names: first_lines + ["model = " + how], lambda names: Variables(tf, names["model"])
    )


def folder_lines(path):
    """The lines that go from a folder to the newest checkpoint in it."""
    return ["path = tf.train.latest_checkpoint(path)"] if os.path.isdir(path) else []


def prefix_of(tf, path):
    """What the names of the files of the checkpoint at *path* begin with."""
    return (tf.train.latest_checkpoint(path) or path) if os.path.isdir(path) else path


def meta_graph_ways(tf, request):
    path = request["path"]
    if path.endswith(".meta") and (os.path.exists(path[:-5] + ".index") or os.path.exists(path[:-5])):
        yield restoring_way(tf, [], "path", "path[:-len('.meta')]")
        return
    how = "%s.train.import_meta_graph(path)" % version_1_of(tf)
    lines = [new_session(version_1_of(tf)), "saver = " + how]
    yield Way(how, [IMPORT], lambda names: lines, lambda names: wrap_graph(names["session"]))


def restoring_way(tf, lines, graph_path, prefix):
    """Bring back the graph at the expression *graph_path*, with the variables at the expression *prefix*."""
    version_1 = version_1_of(tf)
    how = "%s.train.import_meta_graph(%s)" % (version_1, graph_path)
    # The devices of the machine that trained it need not be here.
    importing = "saver = " + how[:-1] + ", clear_devices=True)"
    lines = lines + [new_session(version_1), importing, "saver.restore(session, %s)" % prefix]
    return Way(how, [IMPORT], lambda names: lines, lambda names: wrap_restored(names["session"]))


def wrap_graph(session):
    return Uncallable(NO_VALUES) if has_variables(session.graph) else wrap_restored(session)


def wrap_restored(session):
    """What the graph makes of its placeholders; all else in it is for training and saving."""
    inputs, outputs = ends_of_graph(session.graph)
    depending = depending_on([tensor.op for tensor in inputs.values()])
    results = [
        tensor
        for name, tensor in outputs.items()
        if tensor.op.name in depending and not name.startswith(GRADIENTS) and not tensor.dtype.name.endswith("_ref")
    ]
    return SessionModel(session, inputs, by_name(results), "the graph has no input that leads to an output")


def depending_on(operations):
    """Names of *operations* and of all that reads what they give."""
    names = set()
    pending = list(operations)
    while pending:
        operation = pending.pop()
        if operation.name not in names:
            names.add(operation.name)
            pending += [consumer for tensor in operation.outputs for consumer in tensor.consumers()]
    return names


class Variables(Uncallable):
    """All that a checkpoint holds when nobody says what belongs to it; reading it proves that it is whole."""

    def __init__(self, tf, reader):
        names = sorted(reader.get_variable_to_shape_map())
        if OBJECT_GRAPH in names:
            restoring = "restore it with tf.train.Checkpoint, or with load_weights if Keras wrote it"
        else:
            restoring = "restore it with %s.train.Saver" % version_1_of(tf)
        super(Variables, self).__init__("a checkpoint holds no graph: build the model in code, and " + restoring)
        described = [describe_array(name, as_array(reader.get_tensor(name))) for name in names]
        self.variables = [item for item in described if item["name"] != OBJECT_GRAPH][:MOST_VARIABLES]
