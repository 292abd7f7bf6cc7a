"""Loads one artifact in the running environment and compares what it computes with what its saver computed.

Takes a loader, an artifact and its ``.expected.json`` (see ``save_models.py``, which must lie beside this script).
Gives one JSON object on standard output: ``ok``, ``how`` it was loaded, ``difference`` (the largest absolute one) and
``error`` (``None`` where ``ok``). Keeps to the syntax of Python 3.6.
"""

import argparse
import contextlib
import functools
import json
import os
import sys
from pathlib import Path

import numpy
from save_models import KERAS_IMPLEMENTATIONS, import_keras, one_line

LOADERS = (*KERAS_IMPLEMENTATIONS, "tensorflow")
TOLERANCE = 1e-4


def main(arguments):
    """Load, compute, compare, and print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("loader", choices=LOADERS)
    parser.add_argument("artifact", type=Path)
    parser.add_argument("expected", type=Path)
    options = parser.parse_args(arguments)
    expected = json.loads(options.expected.read_text())
    # Progress bars and deprecation notes go to standard output in many releases; only the answer belongs there.
    with contextlib.redirect_stdout(sys.stderr):
        outcome = check(options.loader, options.artifact, expected)
    print(json.dumps(outcome, sort_keys=True))
    return 0 if outcome["ok"] else 1


def check(loader, artifact, expected):
    """Try the ways to load in order, the natural one first, and compare by the first that succeeds."""
    errors = []
    for how, run in ways_to_run(loader, artifact):
        try:
            outputs = run(example_inputs(expected))
        except Exception as error:  # noqa: BLE001 - whatever a release raises is a result of the experiment
            errors.append(f"{how}: {one_line(error)}")
            continue
        return compare(outputs, expected["outputs"], how)
    return {"ok": False, "how": None, "difference": None, "error": "; ".join(errors)}


def ways_to_run(loader, artifact):
    """Pairs of a name and a function from the inputs (name to array, in order) to a list of output arrays."""
    if loader == "tensorflow":
        return [("saved_model.load", functools.partial(run_saved_model, artifact))]
    ways = [("load_model", functools.partial(run_keras_model, loader, artifact))]
    if artifact.is_file():
        uncompiled = functools.partial(run_keras_model, loader, artifact, compile=False)
        ways.append(("load_model, compile=False", uncompiled))
    return ways


def run_keras_model(loader, artifact, inputs, **arguments):
    """Outputs of the Keras model in *artifact*."""
    model = import_keras(loader).models.load_model(str(artifact), **arguments)
    values = list(inputs.values())
    return as_list(model.predict(values if len(values) > 1 else values[0]))


def run_saved_model(artifact, inputs):
    """Outputs of the serving signature of a SavedModel."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    import tensorflow

    if tensorflow.__version__.startswith("1."):
        return run_in_session(tensorflow, artifact, inputs)
    loaded = tensorflow.saved_model.load(str(artifact))
    signature = loaded.signatures["serving_default"]
    names = signature.structured_input_signature[1]
    fed = {name: tensorflow.constant(value) for name, value in rename(inputs, names).items()}
    return [value.numpy() for value in signature(**fed).values()]


def run_in_session(tensorflow, artifact, inputs):
    """Outputs of the serving signature of a SavedModel, the way of TensorFlow 1.x."""
    with tensorflow.Graph().as_default(), tensorflow.Session() as session:
        graph = tensorflow.saved_model.loader.load(session, ["serve"], str(artifact))
        signature = graph.signature_def["serving_default"]
        fed = {signature.inputs[name].name: value for name, value in rename(inputs, signature.inputs).items()}
        return session.run([output.name for output in signature.outputs.values()], fed)


def rename(inputs, names):
    """Key *inputs* by *names*; a sole input goes to the sole name, since exporters rename it."""
    names = list(names)
    if len(inputs) == 1 and len(names) == 1:
        return {names[0]: next(iter(inputs.values()))}
    return {name: inputs[name] for name in names}


def example_inputs(expected):
    """The saver's inputs by name, in the order of the model."""
    return {entry["name"]: numpy.array(entry["values"], dtype=entry["dtype"]) for entry in expected["inputs"]}


def compare(outputs, expected, how):
    """The outcome of a load that computed *outputs*."""
    found = [numpy.asarray(value) for value in outputs]
    wanted = [numpy.asarray(value) for value in expected]
    shapes, wanted_shapes = ([value.shape for value in values] for values in (found, wanted))
    if shapes != wanted_shapes:
        error = f"outputs of shapes {shapes} instead of {wanted_shapes}"
        return {"ok": False, "how": how, "difference": None, "error": error}
    # numpy's maximum keeps what is not a number, and no comparison with that is true.
    difference = float(numpy.max([numpy.abs(one - other).max() for one, other in zip(found, wanted)]))  # noqa: B905
    close = difference <= TOLERANCE
    error = None if close else f"outputs differ by {difference:.3g}"
    return {"ok": close, "how": how, "difference": difference, "error": error}


def as_list(outputs):
    """Keras returns a sole output bare."""
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
