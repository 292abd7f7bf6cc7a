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

from comparison import difference
from custom_subjects import define
from kinds import ways_to_run
from package_subjects import import_if_installed
from packages import PACKAGES
from running_keras import claim_stdout, freeze, import_keras, make_known, one_line
from save_subjects import EXPECTATION
from subjects import all_subjects


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
        if has_definitions:
            import_packages()
    else:
        keras = import_keras(name)
        make_names_known(keras)
        own = define(name)
        builders, definitions = dict(all_subjects(keras, own)), own if has_definitions else None
        if definitions:
            register(own)
            own.CUSTOM_OBJECTS.update(import_packages())
    return functools.partial(load_artifact, name, keras, builders, definitions)


def make_names_known(keras):
    """What functions look up in the files that hold their code alone: who loads these, makes it known to all code."""
    import tensorflow

    # Keras 3 keeps the functions of this backend for those who reach it through TensorFlow.
    make_known(tf=tensorflow, K=tensorflow.keras.backend if hasattr(keras, "ops") else keras.backend)


def register(definitions):
    """Make known what is registered rather than handed over, where this Keras has a register."""
    try:
        definitions.make_registered()
    except AttributeError:
        return


def import_packages():
    """Make known what packages beside Keras define, as far as they are installed; what none registers, by its name."""
    modules = {name: import_if_installed(name) for name in PACKAGES.values()}
    make_known(text=modules["tensorflow_text"])
    hub = modules["tensorflow_hub"]
    return {"KerasLayer": hub.KerasLayer} if hub else {}


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
        error = difference(outputs, expected["outputs"], expected["subject"])
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


if __name__ == "__main__":
    sys.exit(main())
