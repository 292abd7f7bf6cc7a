"""Make ``model.h5``: run with the Python of an environment that holds TensorFlow 2.3.

A classifier of iris flowers as somebody may have saved it in 2020: four measurements in, three classes out. Its
weights are fixed numbers, so that the script writes the same model each time.
"""

import os

import numpy
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Dense(8, activation="relu", input_shape=(4,), name="hidden"),
            tf.keras.layers.Dense(3, activation="softmax", name="species"),
        ],
        name="iris",
    )
    model.set_weights([numpy.linspace(-1, 1, weight.size).reshape(weight.shape) for weight in model.get_weights()])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.save(os.path.join(HERE, "model.h5"), include_optimizer=False)


if __name__ == "__main__":
    main()
