"""Load a model with the packages of the Python that runs this folder, call it, and tell how that went.

Reads one JSON object from stdin: ``path``, ``format``, ``loaders``, and optionally ``inputs``, ``outputs``, ``tags``,
``modules``, ``code``, ``names``, ``builder``, ``definite_layers``, ``roots``, ``recipe``, ``trust``. Writes its findings
to stdout as they grow, one JSON object a line: the last line counts, and is all there is when the process dies. Valid from
Python 2.7 on; needs the standard library, and whatever the loaders are.

`loading` chooses the ways to open an artifact, with a module for each kind; `calling` calls what was opened, on what
`inputs` makes.
"""

import json
import os
import sys

from calling import call
from custom_code import import_code
from findings import Findings
from loading import load


def main():
    channel = claim_stdout()
    request = json.loads(sys.stdin.read())
    close_stdin()
    own_modules = hide_own_modules()
    findings = Findings(channel)
    # Behind the packages of the environment: a source file named like one of them must not replace it.
    sys.path[:] = sys.path[1:] + request.get("roots", [])
    custom_objects = import_code(request, findings)
    model = load(request, custom_objects, findings)
    if model is not None:
        call(model, request, findings)
    findings.finish()
    del own_modules


def claim_stdout():
    """Keep stdout for the findings: whatever else writes there reaches stderr."""
    channel = os.dup(1)
    os.dup2(2, 1)
    return channel


def close_stdin():
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def hide_own_modules():
    """Leave the names of our own modules to those of the person; Python 2 empties a module that nobody holds."""
    folder = os.path.dirname(os.path.abspath(__file__))
    own = [name for name, module in list(sys.modules.items()) if is_in(folder, module) and name != "__main__"]
    return [sys.modules.pop(name) for name in own]


def is_in(folder, module):
    return os.path.dirname(os.path.abspath(getattr(module, "__file__", None) or os.sep)) == folder


main()
