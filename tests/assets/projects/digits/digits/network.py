"""The network: a small convolution, as in the tutorials of its year."""

import keras
import tensorflow as tf
from keras import backend as K
from keras.layers.normalization import BatchNormalization


def use_one_thread():
    config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    K.set_session(tf.Session(config=config))


def build(size=8, classes=10):
    model = keras.models.Sequential()
    model.add(keras.layers.Conv2D(4, (3, 3), activation="relu", input_shape=(size, size, 1)))
    model.add(BatchNormalization())
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(classes, activation="softmax"))
    model.compile(optimizer=keras.optimizers.Adam(lr=1e-3), loss="categorical_crossentropy")
    return model
