"""Loads artifacts one after the other in the running environment, and compares what they compute with their savers.

Reads tasks from standard input, a JSON object on each line: ``path`` of an artifact, beside which its ``.expected.json``
lies; ``loader`` (``tf.keras``, ``keras``, ``tf-keras`` or ``tensorflow``); ``definitions``, whether those of custom
objects are at hand, which they are then for all tasks that follow. Answers each with two JSON objects, a line each:
``{"begins": path}`` and ``{"path", "ok", "how", "error", "seconds"}``, so that one who waits knows which artifact ended
the process or took too long. Valid from Python 2.7 on.
"""

from __future__ import print_function

import functools
import gc
import json
import sys
import time
from collections import OrderedDict

import numpy

from custom_subjects import define
from kinds import ways_to_run
from running_keras import claim_stdout, freeze, import_keras, one_line
from save_subjects import EXPECTATION, listed
from subjects import all_subjects

# Of outputs; half precision is rounded differently by different releases.
TOLERANCE = 1e-4
TOLERANCE_OF_HALVES = 1e-2


def main():
    """Load what standard input names."""
    answer = claim_stdout()
    loaders = {}
    for line in sys.stdin:
        task = json.loads(line)
        key = task["loader"], task["definitions"]
        if key not in loaders:
            loaders[key] = loader_of(*key)
            freeze()
        answer.write(json.dumps({"begins": task["path"]}) + "\n")
        answer.write(json.dumps(loaders[key](task["path"]), sort_keys=True) + "\n")
    answer.close()


def loader_of(name, has_definitions):
    """A function from the path of an artifact to its outcome."""
    if name == "tensorflow":
        keras = None
        # Only to log no more than errors; the module of this name comes with it.
        import_keras("tf.keras")
        builders, definitions = {}, None
    else:
        keras = import_keras(name)
        own = define(name)
        builders, definitions = dict(all_subjects(keras, own)), own if has_definitions else None
        if definitions:
            register(own)
    return functools.partial(load_artifact, name, keras, builders, definitions)


def register(definitions):
    """Make known what is registered rather than handed over, where this Keras has a register."""
    try:
        definitions.make_registered()
    except AttributeError:
        return


def load_artifact(loader, keras, builders, definitions, path):
    """The outcome for one artifact: by the first way in which it loads."""
    started = time.time()
    with open(path + EXPECTATION) as stream:
        expected = json.load(stream)
    outcome = {"ok": False, "how": None, "error": None}
    for how, run in ways_to_run(loader, keras, expected, path, builders, definitions):
        clear(keras)
        try:
            outputs = run(inputs_of(expected))
        except Exception as error:
            # The complaint about the natural way is the one that a person sees.
            outcome["error"] = outcome["error"] or one_line(error)
            continue
        error = difference(outputs, expected)
        outcome = {"ok": error is None, "how": how, "error": error}
        break
    return dict(outcome, path=path, seconds=round(time.time() - started, 3))


def clear(keras):
    """Forget the last model, so that the next is the first of its process."""
    if keras is not None:
        keras.backend.clear_session()
    gc.collect()


def inputs_of(expected):
    """The saver's inputs by name, in the order of the model."""
    return OrderedDict(
        (entry["name"], numpy.array(entry["values"], dtype=object if entry["dtype"] == "string" else entry["dtype"]))
        for entry in expected["inputs"]
    )


def difference(outputs, expected):
    """What is different from what the saver computed, in one line; ``None`` where nothing is."""
    wanted = [numpy.asarray(value) for value in expected["outputs"]]
    shapes = [list(numpy.shape(output)) for output in outputs]
    if shapes != [list(value.shape) for value in wanted]:
        return "outputs of shapes %s instead of %s" % (shapes, [list(value.shape) for value in wanted])
    tolerance = TOLERANCE_OF_HALVES if "float16" in expected["subject"] else TOLERANCE
    for output, value in zip(outputs, wanted):
        if output.dtype.kind in "OSU":
            if listed(output) != value.tolist():
                return "outputs other text"
        elif value.size:
            distance = float(numpy.max(numpy.abs(output.astype("float64") - value)))
            # What is not a number is not within any bound.
            if not distance <= tolerance * (1.0 + float(numpy.max(numpy.abs(value)))):
                return "outputs differ by %.3g" % distance
    return None


if __name__ == "__main__":
    sys.exit(main())
