"""Code that the model needs: what is imported before it is opened."""

import importlib
import re
import sys

from findings import FAILURES, describe


def import_code(request, findings):
    """Import what the request names; returns the custom objects by name."""
    for name in request.get("modules", []):
        findings.enter("import %s" % name)
        try:
            importlib.import_module(name)
        except FAILURES as error:
            findings.add_code_error(name, describe(error))
    objects = {}
    for wanted in request.get("code", []):
        found = import_object(wanted, findings)
        if found is not None:
            objects[wanted["name"]] = found
            findings.add_import(wanted["name"], wanted["module"], wanted["object"])
    for name in request.get("custom_objects", []):
        for module in request.get("modules", []):
            if name not in objects and hasattr(sys.modules.get(module), name):
                objects[name] = getattr(sys.modules[module], name)
                findings.add_import(name, module, name)
    if request.get("builder"):
        import_object(request["builder"], findings)
    return objects


def import_object(wanted, findings):
    """The object that *wanted* describes; None where its module cannot be imported, which is told."""
    findings.enter("import %s" % wanted["file"])
    try:
        return getattr(import_source(wanted["module"], wanted["file"]), wanted["object"])
    except FAILURES as error:
        findings.add_code_error(wanted["file"], describe(error))
        return None


def import_source(name, path):
    """By name, so that relative imports work; by path where the file's name is none that `import` takes."""
    if all(re.match(r"[A-Za-z_]\w*$", part) for part in name.split(".")):
        return importlib.import_module(name)
    name = re.sub(r"\W", "_", name)
    if sys.version_info < (3, 5):
        import imp

        return imp.load_source(name, path)
    from importlib import util

    spec = util.spec_from_file_location(name, path)
    module = sys.modules[name] = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
