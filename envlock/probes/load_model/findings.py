"""What is known so far, and how it is told."""

import json
import os
import sys
import traceback

LONGEST_ERROR = 2048
LONGEST_TRACEBACK = 8192
MOST_LEFT_OVER = 100
FAILURES = (Exception, SystemExit)
"""What foreign code may raise without an end to the report."""


class NoInputError(Exception):
    """No legal input can be made."""


class Findings(object):
    """Told anew at every stage."""

    def __init__(self, channel):
        self._channel = channel
        self._known = {
            "stage": "start Python",
            "done": False,
            "loads": False,
            "predicts": None,
            "loader": "",
            "how": "",
            "imports": [],
            "lines": [],
            "left_over": [],
            "error": None,
            "traceback": "",
            "attempts": [],
            "code_errors": [],
            "imported": [],
            "recipe": None,
            "inputs": [],
            "outputs": [],
            "variables": [],
            "versions": {},
        }

    def enter(self, stage):
        self._known["stage"] = stage
        self._tell()

    def add_attempt(self, how, failure):
        self._known["attempts"].append(dict(failure, how=how))
        self._known.update(failure)

    def add_code_error(self, where, failure):
        error = {"file": where, "error": failure["error"]}
        if error not in self._known["code_errors"]:
            self._known["code_errors"].append(error)

    def add_import(self, name, module, attribute):
        """*attribute* of *module* is what the model calls *name*."""
        self._known["imported"].append({"name": name, "module": module, "attribute": attribute})

    def set_loaded(self, loader, way):
        self._known.update(loads=True, loader=loader, how=way.how, error=None, traceback="")
        self._known.update(imports=way.imports, lines=way.lines, left_over=way.left_over[:MOST_LEFT_OVER])

    def set_variables(self, variables):
        self._known["variables"] = variables

    def set_called(self, recipe, inputs, outputs):
        self._known.update(predicts=True, recipe=recipe, inputs=inputs, outputs=outputs)

    def set_refused(self, failure, is_legal):
        """The call failed: the model's fault where the input was legal for sure."""
        self._known.update(failure, predicts=False if is_legal else None)

    def finish(self):
        self._known.update(done=True)
        self._tell()

    def _tell(self):
        self._known["versions"] = find_versions()
        line = (json.dumps(self._known) + "\n").encode("ascii")
        while line:
            line = line[os.write(self._channel, line) :]


def find_versions():
    versions = {"python": "%d.%d.%d" % sys.version_info[:3]}
    for name in ("tensorflow", "keras", "tf_keras", "keras_core", "numpy", "h5py", "google.protobuf"):
        version = getattr(sys.modules.get(name), "__version__", None)
        if version is not None:
            versions[name] = str(version)
    return versions


def describe(error):
    """The error in progress, as text of bounded length."""
    try:
        message = str(error)
    except UnicodeError:
        message = repr(error)
    if isinstance(message, bytes):
        message = message.decode("utf-8", "replace")
    text = "".join(traceback.format_exception(type(error), error, foreign_part(sys.exc_info()[2])))
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    summary = "%s: %s" % (type(error).__name__, message)
    return {"error": summary[:LONGEST_ERROR], "traceback": text[-LONGEST_TRACEBACK:]}


OWN_LINES = "<envlock>"
"""The file name of lines that a `Way` runs."""


def foreign_part(trace):
    """What lies beyond our own calls: those say nothing of the model."""
    folder = os.path.dirname(describe.__code__.co_filename)
    while trace is not None and is_own(trace.tb_frame.f_code.co_filename, folder):
        trace = trace.tb_next
    return trace


def is_own(file, folder):
    return file == OWN_LINES or os.path.dirname(file) == folder
