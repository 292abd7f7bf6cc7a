"""Write small Sequential models with lambdas and custom objects, and weights alone, into a folder.

    python make_code_models.py FOLDER tf|keras|tf_keras h5|keras

The last argument is the suffix of the models; the weights end in .h5, which the name alone tells apart. Runs in any environment with TensorFlow 1.12 or newer, or with standalone Keras 2 or 3.
"""

from __future__ import print_function

import sys

folder, implementation, suffix = sys.argv[1:]

if implementation == "tf":
    import tensorflow

    keras = tensorflow.keras
elif implementation == "tf_keras":
    import tf_keras as keras
else:
    import keras

layers = keras.layers


def scaled(x):
    return x * 3.0


class Scale(layers.Layer):
    def __init__(self, factor=2.0, **settings):
        super(Scale, self).__init__(**settings)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return dict(super(Scale, self).get_config(), factor=self.factor)


def first_layer():
    return layers.Dense(2, input_shape=(3,), kernel_regularizer=keras.regularizers.l2(0.1), activation=scaled)


def build(*parts):
    model = keras.models.Sequential()
    for part in parts:
        model.add(part)
    model.compile(loss="mse", optimizer="sgd")
    return model


def save(name, model):
    model.save("{}/{}.{}".format(folder, name, suffix))


save("lambda", build(first_layer(), layers.Lambda(lambda x: x * 2.0 + 1.0, output_shape=lambda s: s)))
save("custom", build(first_layer(), Scale(3.0)))
save("nested", build(build(layers.Dense(2, input_shape=(3,))), layers.Dense(1)))

weighted = build(first_layer(), layers.Dense(1))
weighted.save_weights("{}/model.weights.h5".format(folder))
try:
    weighted.save_weights("{}/weights.h5".format(folder))
except ValueError:  # Keras 3 writes weights under that one name only
    pass
