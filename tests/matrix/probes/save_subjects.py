"""Saves tiny models with the Keras of the running environment, each beside the numbers that it computes.

Takes the implementation (``tf.keras``, ``keras`` or ``tf-keras``) and a folder; ``--only TEXT`` picks subjects by a part
of their name, ``--share N`` those of one share, ``--packages`` those of packages beside Keras in place of its own. Every model is saved in the kinds that this Keras writes as ``<subject><suffix>``, with inputs, outputs
and versions in ``<subject><suffix>.expected.json``; the definitions of custom objects lie beside them. Prints one JSON
object: ``{"saved": [names], "failed": {name: error}, "versions": {..}, "seconds": s}``. A subject that this Keras has not
stands among those that failed. Valid from Python 2.7 on.
"""

from __future__ import print_function

import argparse
import json
import os
import sys
import time

import numpy

from comparison import difference, listed
from custom_subjects import DEFINITIONS, define, source_for
from kinds import endpoints, planned_kinds, read_checkpoint, remove, run_frozen_graph, run_saved_model
from package_subjects import package_subjects
from running_keras import (
    KERAS_IMPLEMENTATIONS,
    claim_stdout,
    compute,
    freeze,
    import_keras,
    keras_version,
    one_line,
    versions,
)
from settled_weights import settle_weights
from shares import SHARES, share_of
from subjects import all_subjects

EXPECTATION = ".expected.json"


def main(arguments):
    """Save all, go on where a subject fails, and tell what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("implementation", choices=KERAS_IMPLEMENTATIONS)
    parser.add_argument("folder")
    parser.add_argument("--only", default="")
    parser.add_argument("--share", type=int, choices=range(SHARES))
    parser.add_argument("--packages", action="store_true")
    options = parser.parse_args(arguments)
    answer = claim_stdout()
    started = time.time()
    keras = import_keras(options.implementation)
    freeze()
    report = save_all(
        keras,
        options.implementation,
        options.folder,
        lambda subject: options.only in subject and options.share in (None, share_of(subject)),
        options.packages,
    )
    report.update(versions=versions(keras), seconds=round(time.time() - started, 1))
    answer.write(json.dumps(report, sort_keys=True) + "\n")


def save_all(keras, implementation, folder, is_chosen, of_packages):
    """Save the subjects that are chosen by name; the names of what was saved, and the errors of the others."""
    if not os.path.isdir(folder):
        os.makedirs(folder)
    with open(os.path.join(folder, DEFINITIONS), "wb") as stream:
        stream.write(source_for(implementation).encode("utf-8"))
    report = {"saved": [], "failed": {}}
    for subject, build in (
        package_subjects(keras, folder) if of_packages else all_subjects(keras, define(implementation))
    ):
        for kind in planned_kinds(keras, subject) if is_chosen(subject) else ():
            name = subject + kind.suffix
            path = os.path.join(folder, name)
            remove(path)
            remove(path + EXPECTATION)
            try:
                expected = save_subject(keras, build, kind, path, subject)
            except Exception as error:
                remove(path)
                report["failed"][name] = one_line(error)
                continue
            expected.update(subject=subject, implementation=implementation, versions=versions(keras))
            with open(path + EXPECTATION, "w") as stream:
                json.dump(expected, stream, sort_keys=True)
            report["saved"].append(name)
    return report


def save_subject(keras, build, kind, path, subject):
    """Build a model, save it at *path*, and describe what it computes."""
    # Names of layers count up within a session; a fresh one gives each artifact the same names.
    keras.backend.clear_session()
    if keras_version(keras) < (2, 1) and kind.name in ("saved-model", "frozen-graph"):
        # The learning phase has no default there, and who runs the graph does not know that it is to be fed.
        keras.backend.set_learning_phase(0)
    model, inputs = build(keras)
    settle_weights(keras, model)
    # Before saving, which may end the session of TensorFlow 1 that the model lives in.
    outputs = compute(keras, model, inputs)
    forget_states(model)
    how = kind.save(keras, model, path)
    described = endpoints(kind, model)
    if kind.name == "checkpoint":
        outputs = read_checkpoint(path, inputs, None)
    wanted = [listed(output) for output in outputs]
    if kind.name == "frozen-graph":
        # The tools of TensorFlow 1 freeze variables within loops and conditions into graphs that nothing can import.
        run_frozen_graph(path, inputs, described)
    if kind.name == "saved-model" and difference(run_saved_model(path, inputs, described), wanted, subject):
        # Keras 3 exports layers of augmentation as if for training: something else each time.
        raise ValueError("the export does not compute what the model does")
    if not all(is_comparable(output) for output in outputs):
        raise ValueError("computes what is not a number")
    return dict(
        described,
        kind=kind.name,
        how=how,
        inputs=[describe_input(name, value) for name, value in inputs.items()],
        outputs=wanted,
    )


def forget_states(model):
    """Stateful layers begin anew, as they will after loading."""
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            (layer.reset_states if hasattr(layer, "reset_states") else layer.reset_state)()


def is_comparable(output):
    """Whether an array holds text or finite numbers."""
    return output.dtype.kind in "OSU" or bool(numpy.all(numpy.isfinite(output)))


def describe_input(name, value):
    """Name, type and values, for a loader to feed."""
    return {"name": name, "dtype": "string" if value.dtype.kind == "O" else str(value.dtype), "values": listed(value)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
