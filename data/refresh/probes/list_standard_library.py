"""Print the modules of this Python's standard library as one JSON object. Runs in any Python from 2.7 on.

    python -S -E list_standard_library.py
"""

import json
import os
import pkgutil
import sys


def main():
    folder = os.path.dirname(os.__file__)
    dynamic = [path for path in sys.path if os.path.basename(path) == "lib-dynload"]
    found = set(sys.builtin_module_names)
    found.update(item[1] for item in pkgutil.iter_modules([folder] + dynamic))
    # Newer Pythons also know the modules of other systems.
    declared = set(getattr(sys, "stdlib_module_names", ()))
    line = "%d.%d" % sys.version_info[:2]
    print(json.dumps({"line": line, "found": sorted(found), "declared": sorted(declared)}))


main()
