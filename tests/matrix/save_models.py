"""Saves tiny models with the Keras of the running environment, each beside the numbers that it computes.

Takes the implementation (``tf.keras``, ``keras`` or ``tf-keras``) and a folder. Gives one JSON object on standard
output, ``{"saved": [names], "failed": {name: error}}``, and in the folder every artifact that the implementation can
write, with its ``<name>.expected.json``. Keeps to the syntax of Python 3.6, since it runs from TensorFlow 1.4 on; needs
``probes/`` beside it and nothing else.
"""

import argparse
import contextlib
import json
import sys
from pathlib import Path

import numpy

sys.path.append(str(Path(__file__).parent / "probes"))

# The scripts there know no package, since they run where envlock is not.
from kinds import remove, save_archive, save_hdf5, writes_archives
from running_keras import (
    KERAS_IMPLEMENTATIONS,
    import_keras,
    keras_version,
    one_line,
    versions,
    wave,
)
from settled_weights import settle_weights


def main(arguments):
    """Save every artifact, go on where one fails, and tell what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--implementation", choices=KERAS_IMPLEMENTATIONS, default="tf.keras")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    # Progress bars and deprecation notes go to standard output in many releases; only the answer belongs there.
    with contextlib.redirect_stdout(sys.stderr):
        report = save_all(import_keras(options.implementation), options.implementation, options.folder)
    print(json.dumps(report, sort_keys=True))
    return 1 if report["failed"] else 0


def save_all(keras, implementation, folder):
    """Save each artifact of :func:`planned_artifacts` into *folder* with its expected numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    report = {"saved": [], "failed": {}}
    for name, build, save in planned_artifacts(keras):
        path, numbers = folder / name, folder / (name + ".expected.json")
        remove(str(path))
        remove(str(numbers))
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
    if writes_archives(keras):
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
    settle_weights(keras, model)
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
    settle_weights(keras, model)
    return model, {
        "tokens": (numpy.arange(6).reshape((2, 3)) % 5).astype("int32"),
        "features": wave((2, 2), phase=2),
    }


# --- ways to save: each returns the call that it made ----------------------------------------------------------


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
