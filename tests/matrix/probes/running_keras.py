"""The Keras of the running environment: how it is imported, which version it is, and what a model of it computes.

Valid from Python 2.7 on; needs NumPy and the TensorFlow or Keras of its environment.
"""

from __future__ import print_function

import gc
import importlib
import os
import platform
import sys

import numpy

KERAS_IMPLEMENTATIONS = ("tf.keras", "keras", "tf-keras")
IMPORTS = {"tf.keras": "from tensorflow import keras", "keras": "import keras", "tf-keras": "import tf_keras as keras"}


def import_keras(implementation):
    """Import the Keras that *implementation* names; TensorFlow logs errors alone, uses no GPU and computes exactly."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # It computes a product and a GELU behind it in one, to three digits.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    if implementation == "tf-keras":
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
        return importlib.import_module("tf_keras")
    if implementation == "keras":
        return importlib.import_module("keras")
    return importlib.import_module("tensorflow").keras


def claim_stdout():
    """A line-buffered stream that nothing but the caller writes to: what imports print goes to stderr."""
    channel = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(channel, "w", 1)


def freeze():
    """Leave the millions of objects of the imported modules out of every later search for garbage."""
    if hasattr(gc, "freeze"):  # Python 3.7
        gc.freeze()


def make_known(**modules):
    """Let all code find modules under names that it does not define."""
    builtins = importlib.import_module("builtins" if sys.version_info[0] > 2 else "__builtin__")
    for name, module in modules.items():
        setattr(builtins, name, module)


def is_tensorflow_1():
    """Whether graphs run in sessions."""
    return importlib.import_module("tensorflow").__version__.startswith("1.")


def keras_version(keras):
    """Numbers of the version, such as ``(2, 2, 4)`` for ``2.2.4-tf``."""
    numbers = version_of(keras).split("-")[0].split(".")[:3]
    return tuple(int(number) for number in numbers if number.isdigit())


def version_of(keras):
    """The version as the module tells it, or where TensorFlow keeps it out of the public module."""
    if hasattr(keras, "__version__"):
        return keras.__version__
    try:
        return importlib.import_module("tensorflow.python.keras._impl.keras").__version__  # 1.5 to 1.8
    except ImportError:
        return importlib.import_module("keras").__version__  # 2.6 to 2.15


def versions(keras):
    """Versions of what is at work; ``None`` for a module that is not there."""
    found = {"python": platform.python_version(), "keras": version_of(keras)}
    for name in ("tensorflow", "numpy", "h5py"):
        try:
            found[name] = importlib.import_module(name).__version__
        except ImportError:
            found[name] = None
    return found


def wave(shape, phase):
    """A float32 array of *shape* with values in [-0.5, 0.5], the same on every machine."""
    count = int(numpy.prod(shape))
    return (0.5 * numpy.sin(numpy.arange(count) + phase)).reshape(shape).astype("float32")


def compute(keras, model, inputs):
    """The outputs of *model* for *inputs* (name to array, in order), in the order in which it returns them."""
    values = list(inputs.values())
    tensorflow = importlib.import_module("tensorflow")
    if not is_tensorflow_1() and tensorflow.executing_eagerly():
        values = [tensorflow.constant(value) for value in values]
        outputs = model(values if len(values) > 1 else values[0], training=False)
    else:
        outputs = model.predict(values if len(values) > 1 else values[0])
    return [as_array(output) for output in flatten(outputs)]


def as_array(output):
    """An output as NumPy holds it, in a type that JSON can tell."""
    if hasattr(output, "numpy"):
        output = output.numpy()
    output = numpy.asarray(output)
    return output.astype("float32") if output.dtype.name in ("bfloat16", "float16") else output


def flatten(nested):
    """The leaves of nested lists, tuples and dictionaries (by key), in order."""
    if isinstance(nested, dict):
        return [leaf for key in sorted(nested) for leaf in flatten(nested[key])]
    if isinstance(nested, (list, tuple)):
        return [leaf for part in nested for leaf in flatten(part)]
    return [nested]


def one_line(error):
    """Class and first line of the message of an exception."""
    text = str(error) if sys.version_info >= (3,) else unicode(error.args[0] if error.args else "")  # noqa: F821
    return "%s: %s" % (type(error).__name__, (text.strip().splitlines() or [""])[0])
