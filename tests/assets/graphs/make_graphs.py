"""Writes the graphs beside this file: run it with the Python of an environment that holds TensorFlow.

    python make_graphs.py session 1.12    # TensorFlow 1.12.3 on Python 3.6
    python make_graphs.py session 1.15    # TensorFlow 1.15.5 on Python 3.7
    python make_graphs.py session 2.3     # TensorFlow 2.3.4 on Python 3.8
    python make_graphs.py session 2.16    # TensorFlow 2.16.2 on Python 3.12
    python make_graphs.py function 2.16
    python make_graphs.py saved-model 1.15
    python make_graphs.py contrib 1.15

The second argument names the folder. Each graph comes in its binary form and as text.
"""

import shutil
import sys
from pathlib import Path

import tensorflow as tf

try:
    from tensorflow.compat import v1
except ImportError:
    v1 = tf


def build(x):
    """A layer, with a dtype and an attribute of each kind that text has to spell: lists, enumerations, strings."""
    weights = v1.get_variable("weights", [2, 3], initializer=v1.constant_initializer([1.5, -2, 0, 1e-9, 7, 1e20]))
    return tf.nn.softmax(tf.matmul(x, weights), name="y")


def write_session_graph(folder):
    """The graph of a session: frozen, and with its variables and a line of text in it as a MetaGraphDef."""
    with v1.Session(graph=tf.Graph()) as session:
        x = v1.placeholder(tf.float32, [None, 2], name="x")
        v1.placeholder_with_default(tf.constant([[1, 2]], tf.int64), [1, 2], name="sizes")
        v1.placeholder(tf.string, name="any")
        build(x)
        tf.constant(["quote ' \" \\ tab \t line \n zero \0 umlaut \u00e4"], name="words")
        session.run(v1.global_variables_initializer())
        v1.train.export_meta_graph(str(folder / "model.meta"))
        v1.train.export_meta_graph(str(folder / "model.meta.pbtxt"), as_text=True)
        frozen = v1.graph_util.convert_variables_to_constants(
            session, session.graph.as_graph_def(), ["y", "sizes", "any", "words"])
    write_graph(frozen, folder, "frozen")


def write_function_graph(folder):
    """A graph that calls functions of its library, one of which runs Python."""
    @tf.function
    def double(x):
        return tf.numpy_function(lambda value: value * 2, [x], tf.float32)

    @tf.function
    def called(x):
        return tf.cond(tf.reduce_sum(x) > 0, lambda: double(x), lambda: x)

    graph = called.get_concrete_function(tf.TensorSpec([None, 2], tf.float32, name="x")).graph.as_graph_def()
    write_graph(graph, folder, "function")


def write_contrib_graph(folder):
    """A graph with an operation of tf.contrib."""
    from tensorflow.contrib.image.python.ops.distort_image_ops import adjust_hsv_in_yiq

    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [1, 2, 2, 3], name="x")
        tf.identity(adjust_hsv_in_yiq(x, 0.1, 1.0, 1.0), name="y")
    write_graph(graph.as_graph_def(), folder, "contrib")


def write_saved_model(folder):
    """A SavedModel as text."""
    shutil.rmtree(str(folder / "saved_model"), ignore_errors=True)
    with v1.Session(graph=tf.Graph()) as session:
        x = v1.placeholder(tf.float32, [None, 2], name="x")
        y = build(x)
        session.run(v1.global_variables_initializer())
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder = v1.saved_model.Builder(str(folder / "saved_model"))
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save(as_text=True)


def write_graph(graph, folder, name):
    v1.train.write_graph(graph, str(folder), name + ".pb", as_text=False)
    v1.train.write_graph(graph, str(folder), name + ".pbtxt", as_text=True)


if __name__ == "__main__":
    target = Path(__file__).resolve().parent / sys.argv[2]
    target.mkdir(exist_ok=True)
    {
        "session": write_session_graph,
        "function": write_function_graph,
        "saved-model": write_saved_model,
        "contrib": write_contrib_graph,
    }[sys.argv[1]](target)
