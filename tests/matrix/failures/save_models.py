"""Write the artifacts that fail to load elsewhere, into the folder of the process: ``save_models.py NAME...``.

Runs in TensorFlow 1.15 to the newest with their own Keras, and with standalone Keras 2 where one of the names is
``standalone``. Everything is written for a failure of data/failures.toml that happens when it is loaded.
"""

import json
import os
import sys

import tensorflow as tf

if "standalone" in sys.argv:
    import keras
else:
    keras = tf.keras
layers = keras.layers


def dense():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Dense(2, activation="relu", name="dense")(inputs))
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(ones(8, 4), ones(8, 2), verbose=0)
    return model


def sequential():
    return keras.Sequential([layers.Dense(3, input_shape=(4,)), layers.Dense(2)])


def trained():
    model = sequential()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(ones(8, 4), ones(8, 2), verbose=0)
    return model


def wider():
    return keras.Sequential([layers.Dense(5, input_shape=(4,)), layers.Dense(2)])


def around(layer, shape):
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


def recurrent():
    return around(layers.LSTM(2), (3, 4))


def gru():
    return around(layers.GRU(2), (3, 4))


def bidirectional():
    return around(layers.Bidirectional(layers.LSTM(2)), (3, 4))


def depthwise():
    return around(layers.DepthwiseConv2D(3), (8, 8, 3))


def attention():
    inputs = keras.Input((3, 4))
    return keras.Model(inputs, layers.MultiHeadAttention(2, 2)(inputs, inputs))


def function_call():
    inputs = keras.Input((4,))
    return keras.Model(inputs, tf.nn.relu(layers.Dense(2)(inputs)) * 2.0)


def operation():
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.ops.relu(layers.Dense(2)(inputs)))


def nested():
    inner = around(layers.Dense(3), (4,))
    inputs = keras.Input((4,))
    return keras.Model(inputs, layers.Dense(2)(inner(inputs)))


def mixed():
    inputs = keras.Input((4,))
    policy = keras.mixed_precision.Policy("mixed_float16")
    return keras.Model(inputs, layers.Dense(2, dtype=policy)(inputs))


def python_lambda():
    return around(layers.Lambda(lambda x: x * 2), (4,))


def lambda_with_globals():
    return around(layers.Lambda(lambda x: tf.abs(x)), (4,))


class Scaled(layers.Layer):
    def __init__(self, factor=2.0, **others):
        super().__init__(**others)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return dict(super().get_config(), factor=self.factor)


def custom():
    return around(Scaled(name="scaled"), (4,))


def custom_loss():
    def own_loss(truth, predicted):
        return tf.reduce_mean(tf.abs(truth - predicted))

    model = around(layers.Dense(2), (4,))
    model.compile("sgd", own_loss)
    return model


def addons():
    import tensorflow_addons

    return around(tensorflow_addons.layers.GroupNormalization(groups=2), (4,))


def hub():
    import tensorflow_hub

    class Doubled(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 4])])
        def __call__(self, inputs):
            return inputs * 2

    tf.saved_model.save(Doubled(), os.path.abspath("doubled"))
    return keras.Sequential([tensorflow_hub.KerasLayer(os.path.abspath("doubled"), input_shape=(4,))])


def channels_first():
    return around(layers.Conv2D(2, 3, data_format="channels_first"), (3, 8, 8))


def text():
    import tensorflow_text

    class Folded(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def __call__(self, inputs):
            return tensorflow_text.case_fold_utf8(inputs)

    tf.saved_model.save(Folded(), "text")


def frozen():
    graph = tf.Graph()
    with graph.as_default():
        given = tf.compat.v1.placeholder(tf.float32, [None, 4, 4, 1], name="given")
        kernel = tf.ones([2, 2, 1, 1])
        tf.nn.conv2d(given, kernel, strides=[1, 1, 1, 1], padding=[[0, 0], [1, 1], [1, 1], [0, 0]], name="result")
    write("frozen.pb", graph.as_graph_def().SerializeToString())


def checkpoint_by_names():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.get_variable("weights", [2, 2])
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, os.path.abspath("by_names/model"))


def ones(*shape):
    import numpy

    return numpy.ones(shape, "float32")


def write(name, content):
    with open(name, "wb") as stream:
        stream.write(content)


def save(name):
    """``MODEL.SUFFIX`` saves what the function of that name makes."""
    stem, _, suffix = name.partition(".")
    made = globals()[stem]()
    if suffix == "json":
        write(name, made.to_json().encode())
    elif suffix == "saved_model":
        (made.export if hasattr(keras, "ops") else made.save)(name)
    elif suffix == "pickle":
        import pickle

        write(name, pickle.dumps(made))
    elif suffix in ("weights.h5", "old.h5"):
        made.save_weights(name)
    elif suffix == "checkpoint":
        made.save_weights(f"{stem}_checkpoint/model")
    elif suffix == "tflite":
        write(name, tf.lite.TFLiteConverter.from_keras_model(made).convert())
    elif suffix:
        made.save(name)


failed = {}
for name in sys.argv[1:]:
    if name != "standalone":
        try:
            save(name)
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {error}"
if failed:
    sys.exit(json.dumps(failed, indent=1))
