"""Writes the SavedModels beside this file: run it with the Python of an environment that holds TensorFlow.

    python make_saved_models.py graph 1.15     # TensorFlow 1.15.5 on Python 3.7
    python make_saved_models.py keras 2.3      # TensorFlow 2.3.4 on Python 3.8
    python make_saved_models.py keras 2.6      # TensorFlow 2.6.5 on Python 3.9
    python make_saved_models.py export 2.16    # TensorFlow 2.16.2 with Keras 3 on Python 3.12

The second argument names the folder. The models are as small as each line writes them.
"""

import os
import sys
from pathlib import Path

import tensorflow as tf


def save_graph(folder):
    """A TensorFlow 1.x graph with a variable, a Python function and a vocabulary file."""
    # The graph keeps the path as it is given: a relative one names nothing of the machine it was made on.
    os.chdir(str(folder.parent))
    vocabulary = Path("words.txt")
    vocabulary.write_text("yes\nno\n")
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        x = tf.compat.v1.placeholder(tf.float32, [None, 2], name="x")
        weights = tf.compat.v1.get_variable("weights", [2, 1], initializer=tf.compat.v1.ones_initializer())
        y = tf.compat.v1.py_func(lambda value: value, [x @ weights], tf.float32, name="called")
        table = tf.lookup.StaticVocabularyTable(tf.lookup.TextFileInitializer(
            str(vocabulary), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER), 1)
        session.run([tf.compat.v1.global_variables_initializer(), tf.compat.v1.tables_initializer()])
        tf.compat.v1.saved_model.simple_save(
            session, str(folder), {"x": x}, {"y": y}, legacy_init_op=tf.compat.v1.tables_initializer())
        del table
    vocabulary.unlink()


def save_keras(folder):
    """A Sequential model of one layer, not compiled."""
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,), name="only")], name="small")
    model.save(str(folder), save_format="tf")


def save_export(folder):
    """What Keras 3 exports: functions and variables, no Keras model."""
    model = tf.keras.Sequential([tf.keras.Input((2,), name="x"), tf.keras.layers.Dense(1, name="only")])
    model.export(str(folder))


if __name__ == "__main__":
    {"graph": save_graph, "keras": save_keras, "export": save_export}[sys.argv[1]](
        Path(__file__).resolve().parent / sys.argv[2])
