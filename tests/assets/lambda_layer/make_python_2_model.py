"""Make ``python_2_model.h5``: run with the Python 2.7 of an environment that holds TensorFlow 1.12."""

import os

import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Lambda(lambda x: x * 2.0, input_shape=(4,), name="double"),
            tf.keras.layers.Dense(2),
        ]
    )
    model.save(os.path.join(HERE, "python_2_model.h5"))


if __name__ == "__main__":
    main()
