"""Print the operations that ``import tensorflow`` registers in the Python that runs this, as one JSON object.

The names of add-on packages may follow as arguments: their libraries are loaded too, and register operations of their
own; the packages are not imported, since they load some libraries late, and others never. The object holds
``tensorflow`` (its version), ``packages`` (name to ``version`` and loaded ``libraries``), ``operations`` (name to
``attributes`` and ``defaults``, the attributes that have a default value, both sorted). The operations of TensorFlow's
own tests, which are registered too, are left out. Valid from Python 2.7 on; needs the standard library and the
TensorFlow of its environment.
"""

from __future__ import print_function

import ctypes
import glob
import io
import json
import os
import re
import sys


def main():
    channel = claim_stdout()
    # Without the folder of this file: what lies in it must not stand in for a package.
    sys.path[:] = sys.path[1:]
    import tensorflow

    packages = dict((name, load_package(tensorflow, name)) for name in sys.argv[1:])
    found = {"tensorflow": tensorflow.__version__, "packages": packages, "operations": registered_operations()}
    with os.fdopen(channel, "w") as stream:
        json.dump(found, stream, sort_keys=True)
        stream.write("\n")


def claim_stdout():
    """A descriptor that nothing but this program writes to: what imports print goes to stderr."""
    channel = os.dup(1)
    os.dup2(2, 1)
    return channel


def load_package(tensorflow, name):
    """The version of the package, and the libraries of operations in it, which are loaded: sorted paths within it."""
    folder = next((folder for folder in sys.path if os.path.isdir(os.path.join(folder, name))), None)
    if folder is None:
        sys.exit("there is no package " + name)
    root = os.path.join(folder, name)
    metadata = glob.glob(os.path.join(folder, name + "-*.dist-info"))
    version = os.path.basename(metadata[0])[len(name) + 1 : -len(".dist-info")] if metadata else None
    libraries = [path for path in sorted(libraries_below(root)) if is_loaded(tensorflow, path)]
    return {"version": version, "libraries": [os.path.relpath(path, root) for path in libraries]}


def is_loaded(tensorflow, path):
    try:
        tensorflow.load_op_library(path)
    except (tensorflow.errors.OpError, RuntimeError) as error:  # a library of another kind
        sys.stderr.write("%s: %s\n" % (path, error))
        return False
    return True


def libraries_below(root):
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(".so"):
                yield os.path.join(folder, name)


def registered_operations():
    from tensorflow.core.framework import op_def_pb2

    registered = op_def_pb2.OpList.FromString(serialized_operations())
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(op_def_pb2.__file__))))
    of_tests = test_operations(os.path.join(root, "python", "framework", "test_ops.py"))
    return dict((operation.name, describe(operation)) for operation in registered.op if operation.name not in of_tests)


def test_operations(wrappers):
    """Names of the operations of TensorFlow's tests: those that the generated module *wrappers* calls."""
    with io.open(wrappers, encoding="utf-8") as source:
        called = re.findall(r"""(?:_apply_op_helper\(\s*|execute\(\s*b)["'](\w+)["']""", source.read())
    # It cannot be made, which is what it is for: no wrapper calls it.
    return set(called) | set(["ConstructionFails"])


def describe(operation):
    return {
        "attributes": sorted(attribute.name for attribute in operation.attr),
        "defaults": sorted(attribute.name for attribute in operation.attr if attribute.HasField("default_value")),
    }


class Buffer(ctypes.Structure):
    """``TF_Buffer`` of tensorflow/c/tf_buffer.h."""

    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t), ("data_deallocator", ctypes.c_void_p)]


def serialized_operations():
    """The registry of this process as TensorFlow's C interface gives it: an ``OpList`` message."""
    library = library_with("TF_GetAllOpList")
    library.TF_GetAllOpList.restype = ctypes.POINTER(Buffer)
    library.TF_DeleteBuffer.argtypes = [ctypes.POINTER(Buffer)]
    library.TF_DeleteBuffer.restype = None
    buffer = library.TF_GetAllOpList()
    try:
        return ctypes.string_at(buffer.contents.data, buffer.contents.length)
    finally:
        library.TF_DeleteBuffer(buffer)


def library_with(symbol):
    """The shared library that holds *symbol*, among those that the import has loaded.

    Its name and its folder differ between releases; opening a library again gives the one that is loaded.
    """
    for path in loaded_libraries():
        library = ctypes.CDLL(path)
        if hasattr(library, symbol):
            return library
    sys.exit("no library of TensorFlow exports " + symbol)


def loaded_libraries():
    with open("/proc/self/maps") as maps:
        paths = set(line.split(None, 5)[5].strip() for line in maps if len(line.split(None, 5)) == 6)
    return sorted(path for path in paths if "tensorflow" in os.path.basename(path) and ".so" in path)


if __name__ == "__main__":
    main()
