"""Writes the TensorFlow Lite models beside this file: run it with the Python of an environment that holds TensorFlow.

    python make_tflite.py session 1.12      # TensorFlow 1.12.3 on Python 3.6
    python make_tflite.py session 1.15      # TensorFlow 1.15.5 on Python 3.7
    python make_tflite.py keras 2.3         # TensorFlow 2.3.4 on Python 3.8
    python make_tflite.py signature 2.10    # TensorFlow 2.10.1 on Python 3.10
    python make_tflite.py flex 2.15         # TensorFlow 2.15.1 on Python 3.11
    python make_tflite.py custom 2.16       # TensorFlow 2.16.2 on Python 3.12
    python make_tflite.py quantized 2.10    # TensorFlow 2.10.1 on Python 3.10

The second argument is the line that writes it. The models are as small as each line writes them.
"""

import sys
from pathlib import Path

import tensorflow as tf


def convert_session():
    """A graph of TensorFlow 1.x."""
    v1 = getattr(tf, "compat", tf)
    v1 = getattr(v1, "v1", tf)
    lite = tf.lite if hasattr(tf, "lite") else tf.contrib.lite
    with v1.Session(graph=tf.Graph()) as session:
        x = v1.placeholder(tf.float32, [1, 2], name="x")
        y = tf.nn.relu(x + 1.0, name="y")
        return lite.TFLiteConverter.from_session(session, [x], [y]).convert()


def small_model():
    return tf.keras.Sequential([tf.keras.Input((2,), name="x"), tf.keras.layers.Dense(1, name="only")])


def convert_keras():
    """A Keras model."""
    return tf.lite.TFLiteConverter.from_keras_model(small_model()).convert()


def convert_quantized():
    """A Keras model with its weights and values as integers."""
    converter = tf.lite.TFLiteConverter.from_keras_model(small_model())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([tf.ones([1, 2])] for _ in range(2))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return converter.convert()


def functions(*functions):
    module = tf.Module()
    return tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function() for function in functions], module)


def convert_signature():
    """Two functions by name, one of which takes any number of rows."""
    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
        def double(self, x):
            return {"doubled": x + x}

        @tf.function(input_signature=[tf.TensorSpec([], tf.int32, name="n")])
        def next(self, n):
            return {"next": n + 1}

    module = Module()
    return tf.lite.TFLiteConverter.from_concrete_functions(
        [module.double.get_concrete_function(), module.next.get_concrete_function()], module).convert()


def convert_flex():
    """A function that TensorFlow itself has to run a part of."""
    @tf.function(input_signature=[tf.TensorSpec([2, 2], tf.float32, name="x")])
    def invert(x):
        return tf.linalg.inv(x)

    converter = functions(invert)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    return converter.convert()


def convert_custom():
    """A function with an operation that the loader has to bring."""
    @tf.function(input_signature=[tf.TensorSpec([2, 2], tf.float32, name="x")])
    def invert(x):
        return tf.linalg.inv(x)

    converter = functions(invert)
    converter.allow_custom_ops = True
    return converter.convert()


if __name__ == "__main__":
    kind, line = sys.argv[1:]
    kinds = {"session": convert_session, "keras": convert_keras, "signature": convert_signature,
             "flex": convert_flex, "custom": convert_custom, "quantized": convert_quantized}
    Path(__file__).resolve().parent.joinpath(line + "-" + kind + ".tflite").write_bytes(kinds[kind]())
