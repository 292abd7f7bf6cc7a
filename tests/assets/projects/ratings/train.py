"""Writes models/ratings.h5 and models/ratings: run it in this folder."""

import tensorflow as tf
import tensorflow_addons as tfa


def build():
    return tf.keras.Sequential(
        [
            tf.keras.layers.InputLayer((3,)),
            tf.keras.layers.Dense(4, activation="relu"),
            tfa.layers.GroupNormalization(groups=2, axis=-1),
            tf.keras.layers.Dense(1),
        ]
    )


if __name__ == "__main__":
    tf.random.set_seed(7)
    model = build()
    model.compile(optimizer=tfa.optimizers.AdamW(weight_decay=1e-4), loss="mse")
    model.fit(tf.random.normal((32, 3)), tf.random.normal((32, 1)), epochs=1, verbose=0)
    model.save("models/ratings.h5")
    model.save("models/ratings")
