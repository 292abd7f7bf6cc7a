"""The layer that ``model.h5`` needs, as its author keeps it."""

import tensorflow as tf


class Scale(tf.keras.layers.Layer):
    """Multiplies its input by one learnt factor for each channel."""

    def __init__(self, initial=1.0, **kwargs):
        super().__init__(**kwargs)
        self.initial = initial

    def build(self, input_shape):
        self.factor = self.add_weight(
            name="factor",
            shape=(input_shape[-1],),
            initializer=tf.keras.initializers.Constant(self.initial),
        )
        super().build(input_shape)

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return dict(super().get_config(), initial=self.initial)
