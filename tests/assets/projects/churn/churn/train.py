"""Run as ``python -m churn.train``: writes models/churn.keras."""

import tensorflow as tf

from churn.layers import LogScale


def build():
    inputs = tf.keras.Input((5,), name="customer")
    hidden = tf.keras.layers.Dense(4, activation="gelu")(LogScale()(inputs))
    return tf.keras.Model(inputs, tf.keras.layers.Dense(1, activation="sigmoid")(hidden))


if __name__ == "__main__":
    tf.keras.utils.set_random_seed(7)
    model = build()
    model.compile(optimizer=tf.keras.optimizers.legacy.Adam(learning_rate=1e-3), loss="binary_crossentropy")
    model.fit(tf.random.normal((32, 5)), tf.ones((32, 1)), epochs=1, verbose=0)
    model.save("models/churn.keras")
