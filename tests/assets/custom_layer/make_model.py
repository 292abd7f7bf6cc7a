"""Make ``model.h5``: run with the Python of an environment that holds TensorFlow 2.15."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "code"))

import tensorflow as tf  # noqa: E402
from scaling import Scale  # noqa: E402


def main():
    model = tf.keras.Sequential([tf.keras.layers.Input((4,)), Scale(2.0, name="scale"), tf.keras.layers.Dense(2)])
    model.save(os.path.join(HERE, "model.h5"))


if __name__ == "__main__":
    main()
