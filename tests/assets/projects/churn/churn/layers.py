"""The layer that the model is made with."""

import tensorflow as tf


@tf.keras.saving.register_keras_serializable(package="churn")
class LogScale(tf.keras.layers.Layer):
    """Squeezes counts."""

    def __init__(self, offset=1.0, **kwargs):
        super().__init__(**kwargs)
        self.offset = offset

    def call(self, inputs):
        return tf.math.log(tf.math.abs(inputs) + self.offset)

    def get_config(self):
        return {**super().get_config(), "offset": self.offset}
