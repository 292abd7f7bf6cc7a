"""Saves tiny models with the Keras of the running environment, each beside the numbers that it computes.

Takes the implementation (``tf.keras``, ``keras`` or ``tf-keras``) and a folder. Gives one JSON object on standard
output, ``{"saved": [names], "failed": {name: error}}``, and in the folder every artifact that the implementation can
write, with its ``<name>.expected.json``. Stands alone and keeps to the syntax of Python 3.6, since it runs from
TensorFlow 1.4 on.
"""

import argparse
import contextlib
import importlib
import json
import os
import platform
import shutil
import sys
from pathlib import Path

import numpy

IMPLEMENTATIONS = ("tf.keras", "keras", "tf-keras")

# The oldest TensorFlow whose Keras can write the zip layout of `.keras`.
ARCHIVES_SINCE = (2, 12)


def main(arguments):
    """Save every artifact, go on where one fails, and tell what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--implementation", choices=IMPLEMENTATIONS, default="tf.keras")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    # Progress bars and deprecation notes go to standard output in many releases; only the answer belongs there.
    with contextlib.redirect_stdout(sys.stderr):
        report = save_all(import_keras(options.implementation), options.implementation, options.folder)
    print(json.dumps(report, sort_keys=True))
    return 1 if report["failed"] else 0


def import_keras(implementation):
    """Import the Keras that *implementation* names; TensorFlow logs errors alone and uses no GPU."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    if implementation == "tf-keras":
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
        return importlib.import_module("tf_keras")
    if implementation == "keras":
        return importlib.import_module("keras")
    return importlib.import_module("tensorflow").keras


def save_all(keras, implementation, folder):
    """Save each artifact of :func:`planned_artifacts` into *folder* with its expected numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    report = {"saved": [], "failed": {}}
    for name, build, save in planned_artifacts(keras):
        path, numbers = folder / name, folder / (name + ".expected.json")
        remove(path)
        remove(numbers)
        try:
            # Names of layers count up within a session; a fresh one gives each artifact the same names.
            keras.backend.clear_session()
            model, inputs = build(keras)
            # Before saving, which may end the session of TensorFlow 1.x that the model lives in.
            expected = describe(keras, implementation, model, inputs)
            expected["how"] = save(keras, model, str(path))
        except Exception as error:  # noqa: BLE001 - whatever a release raises is a result of the experiment
            report["failed"][name] = one_line(error)
            continue
        numbers.write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
        report["saved"].append(name)
    return report


def planned_artifacts(keras):
    """Name, builder and saver of every artifact that this Keras has a natural way to write."""
    planned = [
        ("sequential.h5", build_sequential, save_hdf5),
        ("functional.h5", build_functional, save_hdf5),
        ("saved_model", build_sequential, save_saved_model),
    ]
    if keras_version(keras) >= ARCHIVES_SINCE:
        planned += [
            ("model.keras", build_functional, save_archive),
            ("sequential.keras", build_sequential, save_archive),
        ]
    return planned


# --- models --------------------------------------------------------------------------------------------------


def build_sequential(keras):
    """Convolution and batch normalisation, compiled and trained for one step so that its optimizer has state."""
    layers = keras.layers
    if keras_version(keras) >= (3,):
        stack, first = [keras.Input(shape=(4, 4, 1), name="image")], {}
    else:
        stack, first = [], {"input_shape": (4, 4, 1)}
    stack += [
        layers.Conv2D(2, (2, 2), activation="relu", **first),
        layers.BatchNormalization(),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ]
    model = keras.models.Sequential(stack)
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    images = wave((2, 4, 4, 1), phase=1)
    model.train_on_batch(images, numpy.eye(3, dtype="float32")[:2])
    settle_weights(model)
    return model, {"image": images}


def build_functional(keras):
    """Two inputs, an embedding and an LSTM among them, merged; compiled and never trained."""
    layers = keras.layers
    tokens = layers.Input(shape=(3,), dtype="int32", name="tokens")
    features = layers.Input(shape=(2,), name="features")
    sequence = layers.LSTM(2)(layers.Embedding(5, 3)(tokens))
    merged = layers.concatenate([sequence, layers.Dense(2, activation="tanh")(features)])
    model = keras.models.Model([tokens, features], layers.Dense(1, activation="sigmoid")(merged))
    model.compile(optimizer="rmsprop", loss="mse")
    settle_weights(model)
    return model, {
        "tokens": (numpy.arange(6).reshape((2, 3)) % 5).astype("int32"),
        "features": wave((2, 2), phase=2),
    }


def settle_weights(model):
    """Give every weight a value that depends on its place alone; variances stay positive."""
    position = 0
    for layer in model.layers:
        values = []
        # By layer: some releases order the weights of a model and those that it returns differently.
        for variable, value in zip(layer.weights, layer.get_weights()):  # noqa: B905 - strict is Python 3.10
            offset = 1.0 if "variance" in variable.name else 0.0
            values.append(offset + wave(value.shape, phase=position))
            position += 1
        layer.set_weights(values)


def wave(shape, phase):
    """A float32 array of *shape* with values in [-0.5, 0.5], the same on every machine."""
    count = int(numpy.prod(shape))
    return (0.5 * numpy.sin(numpy.arange(count) + phase)).reshape(shape).astype("float32")


# --- ways to save: each returns the call that it made ----------------------------------------------------------


def save_hdf5(keras, model, path):
    """The whole model in one HDF5 file."""
    del keras
    model.save(path)
    return "model.save(path)"


def save_archive(keras, model, path):
    """The zip of TensorFlow 2.12 and later; 2.12 writes HDF5 under this suffix unless told otherwise."""
    if keras_version(keras)[:2] == (2, 12):
        model.save(path, save_format="keras_v3")
        return "model.save(path, save_format='keras_v3')"
    model.save(path)
    return "model.save(path)"


def save_saved_model(keras, model, path):
    """A SavedModel, by the way that the documentation of the line shows."""
    import tensorflow

    if tensorflow.__version__.startswith("1."):
        return save_session(keras, tensorflow, path)
    if keras_version(keras) >= (3,):
        model.export(path)
        return "model.export(path)"
    model.save(path, save_format="tf")
    return "model.save(path, save_format='tf')"


def save_session(keras, tensorflow, path):
    """The session of TensorFlow 1.x, with a serving signature.

    The model is built anew in inference mode, since batch normalisation bakes the learning phase into the graph.
    """
    keras.backend.clear_session()
    keras.backend.set_learning_phase(False)
    model, _ = build_sequential(keras)
    signature = tensorflow.saved_model.signature_def_utils.predict_signature_def(
        inputs={"image": model.input}, outputs={"scores": model.output}
    )
    builder = tensorflow.saved_model.builder.SavedModelBuilder(path)
    builder.add_meta_graph_and_variables(
        keras.backend.get_session(),
        [tensorflow.saved_model.tag_constants.SERVING],
        signature_def_map={"serving_default": signature},
    )
    builder.save()
    return "SavedModelBuilder(path)"


# --- what is written down ---------------------------------------------------------------------------------------


def describe(keras, implementation, model, inputs):
    """Inputs, the outputs that *model* computes from them, and the versions at work."""
    values = list(inputs.values())
    outputs = model.predict(values if len(values) > 1 else values[0])
    return {
        "implementation": implementation,
        "inputs": [
            {"name": name, "dtype": str(value.dtype), "values": value.tolist()} for name, value in inputs.items()
        ],
        "outputs": [numpy.asarray(outputs).tolist()],
        "versions": versions(keras),
    }


def versions(keras):
    """Versions of what writes the artifact; ``None`` for a module that is not there."""
    found = {"python": platform.python_version(), "keras": version_of(keras)}
    for name in ("tensorflow", "numpy", "h5py"):
        try:
            found[name] = importlib.import_module(name).__version__
        except ImportError:
            found[name] = None
    return found


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


def one_line(error):
    """Class and first line of the message of an exception."""
    message = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {message}"


def remove(path):
    """Remove what an earlier run left at *path*."""
    if path.is_dir():
        shutil.rmtree(str(path))
    elif path.exists():
        path.unlink()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
