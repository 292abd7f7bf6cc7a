"""Import modules one after the other, and tell how each import ended.

Reads one JSON object from stdin: ``project``, the folder to work in, and ``modules``, a list of ``name`` and ``root``,
the folder that is put in front of the search path; the other roots stand behind it. Writes one JSON object a line to
stdout for each: its ``number`` in the list, from 0 on, the ``outcome`` (``imported``, ``missing``, ``failed``), and where
there is one the ``missing`` module, the ``error``, and the ``file`` and ``line`` of the project that it comes from. Valid
from Python 2.7 on; needs the standard library, and whatever the modules import.
"""

import importlib
import json
import os
import re
import sys
import traceback

LONGEST_ERROR = 2048


def main():
    channel = claim_stdout()
    request = json.loads(sys.stdin.read())
    search_path = sys.path[1:] + sorted(set(module["root"] for module in request["modules"]))
    root = None
    for number, module in enumerate(request["modules"]):
        if module["root"] != root:
            root = module["root"]
            forget_modules(request["project"])
            sys.path[:] = [root] + search_path
        # As most people do; whatever was imported before may have gone elsewhere.
        os.chdir(request["project"])
        tell(channel, dict(import_module(module["name"], request["project"]), number=number))


def claim_stdout():
    """Keep stdout for what is told: whatever else writes there reaches stderr."""
    channel = os.dup(1)
    os.dup2(2, 1)
    return channel


def tell(channel, item):
    line = (json.dumps(item) + "\n").encode("ascii")
    while line:
        line = line[os.write(channel, line) :]


def forget_modules(project):
    """Modules of another root may have the same names."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name != "__main__" and isinstance(file, str) and is_within(file, project):
            del sys.modules[name]


def is_within(file, folder):
    return os.path.abspath(file).startswith(folder.rstrip(os.sep) + os.sep)


def import_module(name, project):
    try:
        importlib.import_module(name)
    except (Exception, SystemExit) as error:
        missing = missing_module(error)
        return dict(
            place_of(sys.exc_info()[2], error, project),
            # A release that lacks the module is no cure for itself.
            outcome="failed" if missing is None or is_brought(missing) else "missing",
            missing=missing,
            error=describe(error),
        )
    return {"outcome": "imported"}


def missing_module(error):
    """The module that is not found; None where something else is wrong."""
    if not isinstance(error, ImportError):
        return None
    found = re.match(r"No module named '?([\w.]+)'?", text_of(error))
    return found.group(1) if found else None


def is_brought(module):
    """Whether the package of a module was found; several distributions may share one that has no file."""
    package = sys.modules.get(module.partition(".")[0])
    return getattr(package, "__file__", None) is not None


def describe(error):
    return ("%s: %s" % (type(error).__name__, text_of(error)))[:LONGEST_ERROR]


def text_of(error):
    try:
        text = str(error)
    except Exception as second:
        text = repr(second)
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def place_of(trace, error, project):
    """The last line of the project that took part; nothing where none did."""
    frames = [(frame[0], frame[1]) for frame in traceback.extract_tb(trace)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno or 1))
    own = [(file, line) for file, line in frames if is_within(file, project)]
    return {"file": own[-1][0], "line": own[-1][1]} if own else {}


main()
