"""Writes the MLflow folders beside this file: MLflow 2.9.2 (mlflow-skinny), TensorFlow 2.13.1, Python 3.10.

    python make_mlflow.py

A Keras model as SavedModel and as HDF5, and a plain module: the three layouts of the TensorFlow flavour.
"""

import shutil
from pathlib import Path

import mlflow.tensorflow
import tensorflow as tf


class Doubled(tf.Module):
    """The smallest model that is no Keras model."""

    @tf.function(input_signature=[tf.TensorSpec([None, 2], name="x")])
    def __call__(self, x):
        return x * 2


def save(folder, model, **options):
    """Write *model* into a folder beside this file, in place of what stands there."""
    shutil.rmtree(folder, ignore_errors=True)
    mlflow.tensorflow.save_model(model, str(folder), **options)


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    keras_model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,), name="only")], name="small")
    save(here / "2.9-saved-model", keras_model)
    save(here / "2.9-hdf5", keras_model, keras_model_kwargs={"save_format": "h5"})
    save(here / "2.9-module", Doubled())
