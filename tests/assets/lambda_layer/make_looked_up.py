"""Make ``looked_up.h5`` with TensorFlow 2.4 on Python 3.8, and ``looked_up.keras`` with 2.15 on 3.11."""

import os
import sys

import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "code"))

from training import FACTOR, double  # noqa: E402

K = tf.keras.backend


def main():
    model = tf.keras.Sequential(
        [
            tf.keras.layers.InputLayer((4,)),
            tf.keras.layers.Lambda(lambda x: tf.nn.l2_normalize(K.abs(x), 1), name="of_keras"),
            tf.keras.layers.Lambda(lambda x: double(x) * FACTOR, name="of_mine"),
            tf.keras.layers.Dense(2),
        ]
    )
    model.save(os.path.join(HERE, "looked_up.keras" if hasattr(tf.keras.utils, "FeatureSpace") else "looked_up.h5"))


if __name__ == "__main__":
    main()
