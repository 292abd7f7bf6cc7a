"""From a saved TensorFlow or Keras model to a verified environment in which it loads."""

__version__ = "0.1.0"
